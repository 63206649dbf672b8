defmodule Core do
  def text(what), do: what |> Greeting.to() |> String.split() |> Enum.join(" - ")
end
