# frozen_string_literal: true

# Which pages and which cache let a search tree read least from its disk?
require_relative "hmserve"
require_relative "tree"

best = Hmserve.open("tree.json", "Reads") do |hmserve|
  hmserve.minimise { |trial| Tree.reads(*trial.values_at("page", "fill", "cached", "evict")) }
end
best.first.each { |name, value| puts "#{name} = #{value}" }
