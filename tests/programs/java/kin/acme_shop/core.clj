(ns acme-shop.core)

(defn spin [n]
  (loop [i 0 sum 0.0]
    (if (< i n) (recur (inc i) (+ sum (Math/sin i))) sum)))

(defn pay! [rounds]
  (dotimes [_ rounds]
    (spin 400000)))

(defn -main []
  (pay! 40)
  (println "paid"))
