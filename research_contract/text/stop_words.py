"""Stop words by language: words without which a sentence is about the same."""

from __future__ import annotations

import re
from collections.abc import Collection

from research_contract.text.folding import without_accents

_ENGLISH = """
a about above according after again against all also although am among an and any are aren around
as at be because been before being below between both but by can could couldn d did didn do does
doesn doing don down during each either else etc even ever every few for from further get gets got
had hadn has hasn have haven having he hence her here hers herself him himself his how however i if
in into is isn it its itself just let ll m may me might mine more most much must my myself of off
often on once one only onto or other others our ours out over own per quite rather re respectively
s said same says shall she should shouldn since so some such t than that the their theirs them
themselves then there thereby therefore these they this those though through thus to together too
toward towards under until up upon us ve very via was wasn we well were weren what when where
whereas whether which while who whom whose why will with within won would wouldn yet you your yours
arent cant couldnt didnt doesnt dont hadnt hasnt havent ive isnt shouldnt thats wasnt werent whats
whos wont wouldnt youre
"""

_GERMAN = """
aber als am an auch auf aus bei beim bin bis bist da damit dann das dass dem den denn der des
dessen dich die dies diese diesem diesen dieser dieses dir doch du durch ein eine einem einen
einer eines er es etwas euch für gegen gibt hat hatte hatten haben habe ich ihm ihn ihr ihre ihren
im in ins ist ja jede jeder kann können kein keine man mein mit muss müssen nach nicht noch nun
nur ob oder ohne sehr sein seine seit sich sie sind so soll sollen über um und uns unter vom von
vor wann war waren warum was weil welche welchem welchen welcher welches wem wen wenn wer werden
wessen wie wieviel viele viel wieso will wir wird wo woher wohin wurde wurden zu zum zur zwischen
"""

_FRENCH = """
à ai as au aucun aussi aux avec avez avoir avons c ce ces cet cette ceux combien comme comment d
dans de depuis des dont du elle elles en entre es est et était été être eu eux faut fait font il
ils j je l la le les leur leurs lui m ma mais me même mes moi mon n ne nos notre nous on ont ou où
par pas peut peuvent plus pour pourquoi près qu quand que quel quelle quelles quels qui quoi s sa
sans se sera ses si son sont sous sur t ta te tes toi ton tous tout toute tu un une va vers vos
votre vous y
"""

_SPANISH = """
a al algo alguna alguno ante aunque cada como cómo con contra cual cuál cuáles cuando cuándo
cuanta cuánta cuántas cuanto cuánto cuántos de del desde donde dónde dos durante e el él ella
ellas ellos en entre era eran es esa ese eso esta está están este esto estos fue fueron ha hace
hacia han hasta hay la las le les lo los más me mi mis muy nada ni no nos nosotros o os otra otro
para pero poco por porque puede pueden que qué quien quién quienes se sea según ser si sí sin
sobre son su sus también tan te tiene tienen todo todos tu tus un una uno unos y ya yo
"""

_ITALIAN = """
a ad agli ai al alla alle allo anche c che chi ci ciò come con contro cosa cui da dagli dai dal
dalla dalle dallo degli dei del dell della delle dello di dove e è ed era erano essere fa fra gli
ha hanno ho i il in io la le lei lo loro lui ma mi mia mio ne nei nel nell nella nelle no noi non
nostro o ogni per perché più può quale quali quando quanta quante quanti quanto quella quello
questa questi questo se si sia sono sta su sua sue sugli sui sul sulla suo tra tu tutti tutto un
una uno vi voi
"""

_PORTUGUESE = """
a à ao aos as às com como da das de dela dele do dos e é ela elas ele eles em entre era eram essa
esse esta está estão este foi foram há isso isto já lhe mais mas me mesmo meu minha muito na não
nas nem no nos nós num numa o onde os ou para pela pelas pelo pelos por porque pode podem qual
quais quando quanta quantas quanto quantos que quem se sem ser seu seus só sobre sua suas são
também te tem têm um uma umas uns você
"""

_DUTCH = """
aan al als bij dan dat de deze die dit door een en er had heb hebben heeft het hij hoe hoeveel hun
ik in is je kan kunnen maar me meer met mij mijn na naar niet nog nu of om onder ons ook op over
te tot uit van veel voor waar waarom wanneer waren was wat we welk welke werd werden wie wil
worden wordt ze zich zij zijn zo zou
"""

_RUSSIAN = """
а без был была были было быть в во вы где да для до его ее её если есть же за и из или им их к как
какая какие какой каком ко когда кто куда ли между мы на над не него нее нет ни но о об он она они
оно от по под почему при с сколько со так также такой то того только у уже чего чем что чтобы эта
эти это этого этой этом этот я
"""

_CHINESE = "的 了 吗 呢 什么 哪里 哪些 哪个 怎么 怎样 如何 为什么 多少 几个 多久 何时 谁 是否"
_JAPANESE = (
    "とは には では から まで です ます ですか ますか ました でした でしょ する した して され"
    " れた れる いる ある あり した いつ どこ だれ 誰が なぜ どの どれ どう どん くら らい"
    " ください 何で 何が 何を"
)


def _words(text: str) -> frozenset[str]:
    """Return the words of a list, each also without its accents."""
    words = re.findall(r"[^\W_]+", text)
    return frozenset((*words, *map(without_accents, words)))


_LANGUAGES = {
    "en": _words(_ENGLISH),
    "de": _words(_GERMAN),
    "fr": _words(_FRENCH),
    "es": _words(_SPANISH),
    "it": _words(_ITALIAN),
    "pt": _words(_PORTUGUESE),
    "nl": _words(_DUTCH),
    "ru": _words(_RUSSIAN),
}

QUESTION_WORDS = _words(
    """
    actually already behave behaved behaves currently describe explain give happen happened happens
    kind many need please really tell usually yes
    """
)
"""Words of English questions and requests that say nothing of what is asked."""

_WRITTEN_TOGETHER = tuple(
    sorted(set(f"{_CHINESE} {_JAPANESE}".split()), key=lambda word: (-len(word), word))
)
_TOGETHER = re.compile("|".join(_WRITTEN_TOGETHER))


def language_of(words: Collection[str]) -> str:
    """Return the code of the language most of whose stop words occur in ``words`` (lower case).

    English where no language has more: names in a text must not change its language.
    """
    counts = {code: len(known.intersection(words)) for code, known in _LANGUAGES.items()}
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] > counts["en"] else "en"


def stop_words(words: Collection[str]) -> frozenset[str]:
    """Return the stop words of the language in which ``words`` (lower case) are written."""
    return _LANGUAGES[language_of(words)]


def without_stop_words(text: str) -> str:
    """Return ``text`` with a space for each stop word of the scripts that write no spaces."""
    return text if text.isascii() else _TOGETHER.sub(" ", text)
