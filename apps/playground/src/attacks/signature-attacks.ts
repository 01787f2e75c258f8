import {
  always,
  changedBody,
  type MessageAttack,
  openToAnyone,
  type Subject,
  withHeader,
  withLine,
  withOther,
} from './message-attack.js'

// Attacks on the signature: what says who sent the message, and when.

const signature = { kind: 'signature', onMessage: true } as const

const pseudonymous = ({ scheme }: Subject): string | undefined =>
  scheme === 'hwk'
    ? 'The message is by a pseudonym: any key may call like that, and there is no name to take.'
    : undefined

/** Seconds. */
const twoMinutes = 120

/** Attacks on the three headers of a signature. */
export const signatureAttacks: readonly MessageAttack[] = [
  {
    ...signature,
    name: 'change-signature',
    title: 'Change a byte of the signature',
    tries: 'The attacker changes one byte of the signature.',
    reasons: ['signature_wrong', 'signature_malformed'],
    why: always,
    change: signed => withHeader(signed, 'signature', value => withOther(value, 20)),
  },
  {
    ...signature,
    name: 'strip-signature',
    title: 'Strip the signature',
    tries: 'The attacker removes all three headers, so that the request is unsigned.',
    reasons: ['signature_missing', 'credential_not_accepted'],
    why: openToAnyone,
    change: signed => ({
      ...signed,
      headers: signed.headers.filter(([name]) => !/^signature(?:-input|-key)?$/i.test(name)),
    }),
  },
  {
    ...signature,
    name: 'drop-key',
    title: 'Drop Signature-Key',
    tries: 'The attacker removes the header that names the key, to be taken for an anonymous caller.',
    reasons: ['signature_header_missing', 'signature_missing'],
    why: always,
    change: signed => withHeader(signed, 'signature-key', () => undefined),
  },
  {
    ...signature,
    name: 'second-key',
    title: 'Add a second Signature-Key',
    tries: 'The attacker adds a line with a key of their own: one reader takes the first line, another one the last.',
    reasons: ['signature_header_repeated'],
    why: always,
    change: async (signed, { subject, thief, sign }) => {
      const own = await sign(subject.draft, thief)
      const [, value = ''] = own.headers.find(([name]) => name === 'signature-key') ?? []
      return withLine(signed, 'signature-key', value)
    },
  },
  {
    ...signature,
    name: 'uncover-body',
    title: 'Leave the body uncovered',
    tries: 'The attacker takes the digest off the list of covered components, and then changes the body.',
    reasons: ['component_not_covered', 'digest_missing'],
    why: ({ draft }) => (draft.body === '' ? 'The message has no body.' : undefined),
    change: signed => ({
      ...withHeader(signed, 'signature-input', value => value.replace(/ ?"content-digest"/, '')),
      body: signed.body.replace(/[a-z]/, 'X'),
    }),
  },
  {
    ...signature,
    name: 'other-key',
    title: 'Sign with another key',
    tries: 'The attacker changes the request, signs it anew with a key of their own, and claims the name of the agent.',
    reasons: ['signature_wrong'],
    why: pseudonymous,
    change: (_, { subject: { draft }, signer, thief, sign }) =>
      sign({ ...draft, body: changedBody(draft.body) }, { key: thief.key, signatureKey: signer.signatureKey }),
  },
  {
    ...signature,
    name: 'own-name',
    title: 'Call as a pseudonym',
    tries: 'The attacker signs everything right, with a key of their own that no one vouches for.',
    reasons: ['level_insufficient', 'credential_not_accepted'],
    why: subject => pseudonymous(subject) ?? openToAll(subject),
    change: (_, { subject, thief, sign }) => sign(subject.draft, thief),
  },
  {
    ...signature,
    name: 'old-signature',
    title: 'Keep it for two minutes',
    tries: 'The attacker holds the request back for two minutes. It is right but for its age.',
    reasons: ['created_too_old'],
    why: always,
    change: (_, { subject, signer, sign, now }) => sign(subject.draft, signer, now() - twoMinutes),
  },
  {
    ...signature,
    name: 'early-signature',
    title: 'Date it ahead',
    tries: 'The sender dates a request two minutes ahead, to have one that works later.',
    reasons: ['created_in_future'],
    why: always,
    change: (_, { subject, signer, sign, now }) => sign(subject.draft, signer, now() + twoMinutes),
  },
  {
    ...signature,
    name: 'redate-signature',
    title: 'Write a later date into it',
    tries: 'The attacker writes another time of signing into the header of a captured request.',
    reasons: ['signature_wrong'],
    why: always,
    change: signed =>
      withHeader(signed, 'signature-input', value =>
        value.replace(/created=(\d+)/, (_, at: string) => `created=${Number(at) + 1}`),
      ),
  },
]

function openToAll({ draft }: Subject): string | undefined {
  return /^\/(?:public|feed|whoami)(?:\?|$)/.test(draft.target) ? 'The route is open to pseudonyms.' : undefined
}
