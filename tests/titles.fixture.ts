/** Verbs in the forms that do not end in s or ed, as they stand in titles. */
const verbs = new Set(
  [
    'agree am are ask be been begin bring build buy call can cannot change choose come cost count cut decide did do find',
    'follow get give go had have help hold keep know learn leave let lose make match may meet must name need pass put',
    'read refuse run say see sees send set should show sign speak stand start stay stop take tell think use verify wait',
    'was were will win work would write',
    'began broke came chose fell found gave got held kept left lost made met ran said sent spoke stood told took went',
    'won wrote begun broken chosen done given gone known run seen shown spoken taken written',
  ].flatMap(line => line.split(' ')),
)

/**
 * Whether a test's title, with those of the groups that it stands in, can name a subject and a verb: it has three words, one of
 * which is, or ends as, a verb. Ids of requirements do not count.
 */
export function isSentence(title: string): boolean {
  const words = title
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(' > ', ' ')
    .split(/\s+/)
    .filter(word => word !== '')
  return words.length >= 3 && words.some(isVerb)
}

function isVerb(word: string): boolean {
  const bare = word.replace(/[,.:;]$/, '')
  return verbs.has(bare.toLowerCase()) || /[a-z](?:s|ed|n't)$/.test(bare)
}
