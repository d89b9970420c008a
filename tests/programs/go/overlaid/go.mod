module example.com/overlaid

go 1.21
