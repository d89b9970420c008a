package main

func main() { help() }
