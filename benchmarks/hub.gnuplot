# Draws what `./dev bench hub --peers --json` measured: each ratio to a peer, with the bounds of its rounds.
#   build/peers/bin/bench_hub --peers --json | sh benchmarks/hub_table.sh > docs/hub.tsv
#   gnuplot benchmarks/hub.gnuplot
set terminal svg size 900,620 font "sans,12" background "white"
set output "| tr '\n' ' ' > docs/hub.svg"
set title "The signal hub / its peers: median and bounds of nine rounds"
set datafile separator "\t"
set logscale x 10
set xlabel "ratio (of rates; of times the inverse): right of 1 the hub is better"
set xrange [0.1:1000]
set yrange [-0.5:*] reverse
set ytics nomirror
set grid xtics
set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb "#888888" dt 2
set key off
plot "docs/hub.tsv" skip 1 using 6:0:7:8:ytic(strcol(1)." / ".strcol(4)) with xerrorbars pt 7 lc rgb "#1f5fa8"
