module example.com/several

go 1.21

require example.com/parts v0.0.0

replace example.com/parts => ./parts
