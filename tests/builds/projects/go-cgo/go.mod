module example.com/keep

go 1.25

require (
	github.com/mattn/go-pointer v0.0.1
	github.com/mattn/go-shellwords v1.0.12
)
