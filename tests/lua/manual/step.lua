while condition do
copas.step()
-- processing for other events from your system here
end
