module example.com/api

go 1.25

replace example.com/words => ../words

require (
	example.com/words v0.0.0-00010101000000-000000000000
	github.com/mattn/go-shellwords v1.0.12
)

require github.com/dustin/go-humanize v1.0.1 // indirect
