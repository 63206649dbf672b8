defmodule Web do
  def text, do: Core.text("layer #{Doubler.twice(21)}")
end
