# frozen_string_literal: true

require_relative "lib/words/version"

Gem::Specification.new do |spec|
  spec.name = "words"
  spec.version = Words::VERSION
  spec.summary = "Words that are counted"
  spec.authors = ["Example"]
  spec.files = Dir["lib/**/*.rb"]
  spec.add_dependency "greeting", "~> 1.0"
end
