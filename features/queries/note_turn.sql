INSERT INTO turns (name, step, writer) SELECT {name:String}, {step:UInt64}, {writer:String}
