package main

var greeting = "built without flags"

func rounds() int { return 3 }
