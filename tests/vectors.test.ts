import { reasonGroups, reasons } from '@countersign/protocol/reasons'
import { type RefusedResult, readVectors, type Vector, vectorKinds } from '@countersign/vectors'
import { expect, test } from 'vitest'

// The vectors against the vocabulary of reasons: which of them a program meets that implements what can be judged without state.

const all = vectorKinds.flatMap((kind): readonly Vector[] => readVectors(kind))
const refused = all.flatMap(({ id, expect: result }) => {
  if (result.result === 'accept' || 'member' in result) return []
  return [{ id, ...(result as RefusedResult) }]
})

test('there are many, and most of them are refused', () => {
  expect(all.length).toBeGreaterThan(1000)
  expect(refused.length).toBeGreaterThan(all.length / 2)
})

test('each refusal has a reason of the vocabulary, with one of its codes', () => {
  const wrong = refused.filter(({ reason, code }: RefusedResult) => !entryOf(reason)?.codes.includes(code))
  expect(wrong).toEqual([])
})

function entryOf(reason: string) {
  return Object.entries(reasons).find(([name]) => name === reason)?.[1]
}

/** Groups of docs/reasons.md that vectors cover, and why they leave some of their reasons out. */
const leftOut: Readonly<Record<string, readonly string[]>> = {
  'how the bytes arrive, before there is a message': [
    'request_cut_off',
    'body_unreadable',
    'body_compressed',
    'body_not_shown',
    'body_framing_invalid',
    'header_lines_too_many',
  ],
  'a route that asks for a signature': ['signature_missing'],
  'only where a signature of another profile of RFC 9421 is verified': ['authority_mismatched'],
  'behind the check that the covered header is there': ['digest_missing'],
  'a request at a token endpoint, beside the token': ['token_issuer_wrong', 'token_caller_mismatched'],
  'an exchange': ['token_not_exchangeable', 'chain_repeats_party'],
  'what was issued, ended or used before': ['grant_ended', 'token_predates_start', 'proof_used', 'calls_used_up'],
  'the route, the handler or the answer': [
    'condition_data',
    'condition_upgrade',
    'operation_unnamed',
    'operation_misspelt',
    'calls_uncountable',
  ],
  'what an auth server knows of a resource': ['conditions_unsupported', 'condition_word_unknown'],
  'an approval': [
    'approval_needed',
    'approval_of_another',
    'approval_used',
    'approval_impossible',
    'approver_missing',
    'approval_unshowable',
    'approvals_exceeded',
    'inbox_unavailable',
    'approval_stopped',
  ],
  'an address or a network': [
    'address_not_allowed',
    'participant_unreachable',
    'document_too_large',
    'fetches_exceeded',
  ],
}

/** The groups of docs/reasons.md that are about signatures, tokens, conditions and documents. */
const groups = ['The message', 'The signature', 'Tokens', 'Delegation policies and approvals', 'Metadata and keys']

test('every reason of a signature, token, condition or document is in a vector, but those that need more than one message', () => {
  const given = new Set(refused.map(({ reason }) => reason))
  const known = reasonGroups.filter(([heading]) => groups.includes(heading)).flatMap(([, group]) => Object.keys(group))
  expect(known.length).toBeGreaterThan(100)
  expect(known.filter(reason => !given.has(reason)).toSorted(byName)).toEqual(
    Object.values(leftOut).flat().toSorted(byName),
  )
})

function byName(a: string, b: string): number {
  return a.localeCompare(b)
}
