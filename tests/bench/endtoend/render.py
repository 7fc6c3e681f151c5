def part(name, result):
    import json
    return ""
def write(r): pass
