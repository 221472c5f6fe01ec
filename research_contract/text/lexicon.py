"""Words that state little, deny, or have irregular forms: general English, and a few others."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


STOP: frozenset[str] = _set(
    """
    a about above after again against all also although am among an and any are around as at be
    because been before being below between both but by can could did do does doing down during
    each either else etc even ever every few for from further get gets got had has have having he
    hence her here hers herself him himself his how however i if in into is it its itself just
    let may me might more most much must my myself of off often on once one only onto or other
    others our ours out over own per quite rather s same shall she should since so some such t
    than that the their theirs them themselves then there thereby therefore these they this those
    though through thus to together too toward towards under until up upon us very via was we
    well were what when where whereas whether which while who whom whose why will with within
    would yet you your yours according said says respectively
    der die das den dem des ein eine einer einem einen eines und oder aber ist sind war waren wird
    werden wurde wurden hat haben hatte von vom zu zum zur mit auf aus bei bis durch fur im ins
    als auch an am je sich es er sie wir ihr dass wenn wie so uber unter nach vor dieser diese
    dieses le la les un une du et ou est sont etait dans sur pour par avec qui que au aux ce cette
    ces se el los las una y o es son fue en con por para del al lo su sus como
    """
)
"""Words without which a claim says the same; folded as ``words.plain`` does."""

NEGATIONS: frozenset[str] = _set(
    """
    no not never none neither nor without cannot nobody nothing nowhere
    nicht kein keine keinen keinem keiner niemals nie ohne
    pas jamais aucun aucune sans ni nunca ningun ninguna sin tampoco
    """
)

GERMAN: frozenset[str] = _set(
    "der die das und ist ein eine nicht mit den von auf für im dem werden wird wurde sind"
)
"""Words that show that a text is German, where every noun begins with a capital."""

COMMON: frozenset[str] = _set(
    """
    able accord account act add additional additionally addition age ago allow along already
    announce appear approximate approximately area ask available back base become begin behind
    believe big bring call case cause certain chang change clear close come common complete
    consider contain continu continue course create current currently date day decide describ
    describe despite develop different direct due early easy effect end especial event eventually
    example expect fact fall feature feel final finally find follow form former full general give
    go good great group grow hand happen high hold home hour idea importan important includ include
    increase initial initially instead issue keep kind know known large largely last late later
    latter lead least leave less life like likely line list little live local locate long look lot
    low main mainly make man many matter mean member mention mere month move name nearly need new
    next note notable notably number occur offer old open order origin original originally part
    particular particularly people perform period person place plan play point possible present
    previous previously primar primarily problem produce provide public put question reach real
    reason receive recent recently relate release remain report result return right role run say
    second see seem select serve service set several show side similar similarly simp single small
    special specifically stand start state still stop subsequent subsequently take tell term thing
    think third time today top total turn two type understand use usual usually various want way
    week whole wide widely word work world write year young
    """
)
"""Words that nearly every text has: their absence says little, and so does their presence."""

_FORMS = """
be been being
become became
begin began begun
bear born birth
break broke broken
bring brought
build built
buy bought
catch caught
choose chose chosen choice
come came
die died dead death deaths
draw drew drawn
drive drove driven
eat ate eaten
fall fell fallen
feel felt
fight fought
find found
fly flew flown flight
forbid forbade forbidden
forget forgot forgotten
get got gotten
give gave given
go went gone
grow grew grown growth
hear heard
hide hid hidden
hold held
keep kept
know knew known
lay laid
lead led
leave left
lend lent
lose lost loss losses
make made
marry married marriage
mean meant
meet met
pay paid
ride rode ridden
rise rose risen
run ran
see saw seen
sell sold sale sales
send sent
shoot shot
show shown
shrink shrank shrunk
sing sang sung song songs
sink sank sunk
sit sat
speak spoke spoken
spend spent
stand stood
steal stole stolen
strike struck
swim swam swum
take took taken
teach taught
tell told
think thought
throw threw thrown
understand understood
wear wore worn
win won
write wrote written
child children
man men
woman women
foot feet
wife wives
person people
company firm
film movie
"""
IRREGULAR: Mapping[str, str] = {
    form: forms.split()[0] for forms in _FORMS.strip().splitlines() for form in forms.split()
}
"""The usual form by each irregular one."""

_PAIRS = """
increase decrease reduce decline fall drop shrink
rise fall drop decline decrease
grow shrink decline
raise lower cut reduce
more less fewer
most least fewest
before after
above below
win lose
open close shut
allow forbid prohibit ban
permit forbid prohibit ban
legal illegal
accept reject refuse decline
approve reject
agree disagree
support oppose
true false
high low
higher lower
highest lowest
early late
earliest latest
largest smallest
biggest smallest
longest shortest
first last
start end finish stop
begin end finish stop
enter leave
arrive depart leave
buy sell
import export
include exclude
add remove
hire fire dismiss
enable disable
able unable
possible impossible
guilty innocent acquitted
success failure
succeed fail
pass fail
male female
man woman
brother sister
father mother
son daughter
husband wife
younger older elder
north south east west
northern southern eastern western
left right
morning evening
safe unsafe dangerous
public private
maximum minimum
always sometimes rarely
required optional
mandatory optional voluntary
"""


def opposites(stem: Callable[[str], str]) -> Mapping[str, frozenset[str]]:
    """Return by its stem the stems of the words that say the opposite of a word."""
    found: dict[str, set[str]] = {}
    for line in _PAIRS.strip().splitlines():
        word, *others = [stem(one) for one in line.split()]
        for other in others:
            if other != word:
                found.setdefault(word, set()).add(other)
                found.setdefault(other, set()).add(word)
    return {word: frozenset(others) for word, others in found.items()}
