defmodule App do
  def text, do: Greeting.to("layer #{Doubler.twice(21)}")
end
