module copas.invalid/bench

go 1.19
