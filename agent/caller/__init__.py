"""The scripted caller: a participant that speaks to the agent over real WebRTC and measures what it hears back.

`voice` makes speech, `script` says what to say, `ticket` gets into a room, `line` carries audio both ways,
`captions` collects the text, `conversation` takes the turns, `report` is what comes out.
"""
