require "doubler"
require "greeting"

puts Greeting.to("layer #{Doubler.twice(21)}")
