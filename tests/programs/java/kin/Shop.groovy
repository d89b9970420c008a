class Shop {
    static double spin(int n) {
        double sum = 0
        for (int i = 0; i < n; i++) {
            sum += Math.sin(i)
        }
        sum
    }

    static void sell(int rounds) {
        def till = { for (int i = 0; i < rounds; i++) spin(400_000) }
        till()
    }

    static void main(String[] words) {
        sell(10)
        println 'sold'
    }
}
