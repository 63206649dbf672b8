require "greeting"

module Words
  def self.to(name) = Greeting.to(name).split.join(" - ")
end
