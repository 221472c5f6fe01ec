"""Word lists that text is compared by: negations, irregular forms, months, number words.

Each list stands here once; stop words have a module of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


NEGATIONS = _set(
    """
    no not never none neither nor without cannot nobody nothing nowhere
    nicht kein keine keinen keinem keiner niemals nie ohne
    pas jamais aucun aucune sans ni nunca ningun ninguna sin tampoco non senza
    """
)
"""Words that deny, in lower case and without accents."""

AND = _set("and und sowie y et e")
"""Words that join two statements of which each is true alone."""

BETWEEN = _set("between both either neither zwischen sowohl weder entweder")
"""Words behind which "and" joins no two statements."""

LABELS = _set(
    """
    section sec chapter table fig figure page p no number clause article paragraph step item
    appendix annex footnote note abschnitt kapitel tabelle tab abb abbildung seite nr ziffer artikel
    absatz anlage anhang
    """
)
"""Words before a number that only names a place of a document."""

DENYING = _set(
    """
    fail failed fails refuse refused refuses deny denied denies reject rejected lack lacks prevent
    prevented avoid avoided stop stopped unless excluded forbidden prohibited unable
    fehlt fehlen verweigert verweigerte verboten ausgeschlossen unversichert
    """
)
"""Words that deny without a negation: a sentence with one may say the same as a negated one."""

PRONOUNS = _set("it he she they this these that those er sie es dies diese dieser dieses")
"""Words that stand for what was named before."""

LIMITING = _set(
    """
    if unless except only but although though however provided when until till while because before
    according allegedly reportedly say says said claim claims claimed deny denied may might can
    could would should doubt doubts argue argues believe believes think thinks hope hopes insist
    insists warn warns fear fears permitting supposedly so shall
    must perhaps possibly probably nearly almost some few up
    wenn falls sofern ausser nur aber jedoch sondern obwohl laut angeblich sagt sagte soll sollen
    sollte konnte kann darf durfen muss mussen bis solange bevor weil trotz hochstens mindestens
    bezweifelt bezweifeln meint meinen glaubt hofft behauptet fordert fast will wollen
    vielleicht moglicherweise wahrscheinlich
    """
)
"""Words with which a sentence says less: a condition, an exception, a wish, a report of others."""

PARTICLES = _set(
    "ab an auf aus bei durch ein fest her heraus hin los mit nach statt um vor weg zu zuruck"
)
"""Endings of German verbs that stand at the end of a sentence."""

_INFLECTIONS = """
be been being
become became
begin began begun
bear bore born
bind bound
bite bit bitten
bleed bled
blow blew blown
break broke broken
breed bred
bring brought
build built
buy bought
catch caught
choose chose chosen
come came
deal dealt
die died
draw drew drawn
drink drank drunk
drive drove driven
eat ate eaten
fall fell fallen
feed fed
feel felt
fight fought
find found
fly flew flown
forbid forbade forbidden
forget forgot forgotten
freeze froze frozen
get got gotten
give gave given
go went gone
grow grew grown
hang hung
hear heard
hide hid hidden
hold held
keep kept
know knew known
lay laid
lead led
leave left
lend lent
lose lost
make made
mean meant
meet met
pay paid
ride rode ridden
ring rang rung
rise rose risen
run ran
see saw seen
sell sold
send sent
shake shook shaken
shoot shot
show shown
shrink shrank shrunk
sing sang sung
sink sank sunk
sit sat
sleep slept
speak spoke spoken
spend spent
spin spun
stand stood
steal stole stolen
stick stuck
strike struck
swear swore sworn
swim swam swum
swing swung
take took taken
teach taught
tear tore torn
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
tooth teeth
mouse mice
wife wives
person people
"""
INFLECTIONS: tuple[tuple[str, ...], ...] = tuple(
    tuple(line.split()) for line in _INFLECTIONS.strip().splitlines()
)
"""Irregular English verbs and nouns, each with its forms, the base form first."""

_RELATED = """
bear birth
choose choice
die dead death deaths
fly flight flights
grow growth
lose loss losses
marry marriage marriages
sell sale sales
sing song songs
company firm firms
film movie movies
"""
BASE_FORMS: Mapping[str, str] = {
    form: forms[0]
    for forms in (*INFLECTIONS, *(tuple(line.split()) for line in _RELATED.strip().splitlines()))
    for form in forms
}
"""By each irregular form, or noun made of a verb, the word under which it is compared."""

COMMON = _set(
    """
    able accord according account act add additional additionally addition age ago allow along
    already announce appear approximate approximately area ask available back base become begin
    behind believe big bring call case cause certain change clear close come common complete
    consider contain continue course create current currently date day decide describe despite
    develop different direct due early easy effect end especial especially event eventually
    example expect fact fall feature feel final finally find follow form former full general give
    go good great group grow hand happen high hold home hour idea important include increase
    initial initially instead issue keep kind know large largely last late later latter lead least
    leave less life like likely line list little live local locate long look lot low main mainly
    make man many matter mean member mention mere month move name nearly need new next note notable
    notably number occur offer old open order origin original originally part particular
    particularly people perform period person place plan play point possible present previous
    previously primary primarily problem produce provide public put question reach real reason
    receive recent recently relate release remain report result return right role run say second
    see seem select serve service set several show side similar similarly simple simply single
    small special specifically stand start state still stop subsequent subsequently take tell term
    thing think third time today top total turn two type understand use usual usually various want
    way week whole wide widely word work world write year young
    """
)
"""Words that nearly every English text has: their absence says little, and so does their presence.
"""

_OPPOSITES = """
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
reopen close shut
north south east west
northern southern eastern western
left right
morning evening
safe unsafe dangerous
public private
maximum minimum
always sometimes rarely
öffnet öffnen geöffnet schließt schließen geschlossen
steigt stieg gestiegen sinkt sank gesunken fällt fiel
erlaubt verboten
immer nie selten
mehr weniger
angenommen abgelehnt
required optional
mandatory optional voluntary
"""


def opposites(stem: Callable[[str], str]) -> Mapping[str, frozenset[str]]:
    """Return, by the stem of a word, the stems of the words that mean the opposite."""
    found: dict[str, set[str]] = {}
    for line in _OPPOSITES.strip().splitlines():
        word, *others = [stem(one) for one in line.split()]
        for other in others:
            if other != word:
                found.setdefault(word, set()).add(other)
                found.setdefault(other, set()).add(word)
    return {word: frozenset(others) for word, others in found.items()}


_MONTHS = """
january jan januar janvier enero
february feb februar février febrero
march mar märz mars marzo
april apr avril abril
may mai mayo
june jun juni juin junio
july jul juli juillet julio
august aug août agosto
september sep sept septembre septiembre
october oct oktober okt octobre octubre
november nov novembre noviembre
december dec dezember dez décembre diciembre
"""
MONTHS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(_MONTHS.strip().splitlines(), start=1)
    for name in names.split()
}
"""Names and abbreviations of months in English, German, French and Spanish, lower case."""

_UNTIL_NINETEEN = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS: Mapping[str, int] = {
    **{word: number for number, word in enumerate(_UNTIL_NINETEEN.split(), start=1)},
    **{word: 10 * number for number, word in enumerate(_TENS.split(), start=2)},
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
}

_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
    " fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
)
ORDINAL_WORDS: Mapping[str, int] = {
    **{word: number for number, word in enumerate(_ORDINALS.split(), start=1)},
    "twentieth": 20,
    "thirtieth": 30,
}
