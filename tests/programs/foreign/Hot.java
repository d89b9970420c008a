import java.util.*;
public class Hot {
  static double inner(int n){ double s=0; for(int i=0;i<n;i++) s+=Math.sqrt(i)*Math.sin(i); return s; }
  static double hot(){ return inner(300000);} static double warm(){ return inner(100000);}
  static int sorts(){ int[] a=new int[200000]; Random r=new Random(1); for(int i=0;i<a.length;i++) a[i]=r.nextInt(); Arrays.sort(a); return a[0]; }
  public static void main(String[] x) throws Exception { long e=System.currentTimeMillis()+Integer.parseInt(x[0]); double t=0;
   Thread w=new Thread(()->{ try { while(true) Thread.sleep(50);} catch(InterruptedException z){} },"waiter"); w.setDaemon(true); w.start();
   while(System.currentTimeMillis()<e){ t+=hot()+warm()+sorts(); } System.out.println(t); }
}
