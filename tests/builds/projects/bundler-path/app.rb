require "doubler"
require "words"

puts Words.to("layer #{Doubler.twice(21)}")
