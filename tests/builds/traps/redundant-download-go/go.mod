module example.com/amounts

go 1.25

require golang.org/x/text v0.25.0
