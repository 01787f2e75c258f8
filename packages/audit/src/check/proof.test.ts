import { sqliteFiles } from '@countersign/testing/folders'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fill, openLog, otherKey, type TestLog } from '../audit.test.fixture.js'
import { checkpointSigner, type EventProof, verifyProof } from '../index.js'

const urls = sqliteFiles()
let log: TestLog
let proof: EventProof
beforeAll(async () => {
  log = await openLog(urls())
  await fill(log, 300, 2)
  const [event] = (await log.audit.list({ before: 123, limit: 1 })).events
  proof = await log.audit.prove(event?.id ?? '')
})
afterAll(() => log.close())

const codeOf = (changed: object | string): string => {
  const text = typeof changed === 'string' ? changed : JSON.stringify(changed)
  try {
    verifyProof({ proof: text, publicKey: log.publicKey })
    return 'accepted'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('a proof shows its event and place', () => {
  const { event, size } = verifyProof({ proof: JSON.stringify(proof), publicKey: log.publicKey })
  expect([event.index, event.txn, size]).toEqual([122, 'txn-122', 300])
})

test('a proof of another event, place, size or key is refused', () => {
  expect(codeOf(proof)).toBe('accepted')
  expect(codeOf({ ...proof, record: proof.record.replace('txn-122', 'txn-123') })).toBe('proof')
  expect(codeOf({ ...proof, index: 123 })).toBe('proof')
  expect(codeOf({ ...proof, hashes: proof.hashes.slice(1) })).toBe('proof')
  expect(codeOf({ ...proof, hashes: [...proof.hashes, ...proof.hashes] })).toBe('proof')
  expect(codeOf({ ...proof, checkpoint: proof.checkpoint.replace('\n300\n', '\n299\n') })).toBe('signature')
  const { publicKey } = checkpointSigner({ origin: 'auth.example', key: otherKey })
  expect(() => verifyProof({ proof: JSON.stringify(proof), publicKey })).toThrow('no valid signature')
})

test.each<[string, (proof: EventProof) => object | string]>([
  ['no JSON', () => '{'],
  ['another format', one => ({ ...one, format: 'countersign-audit-proof/2' })],
  ['a member more', one => ({ ...one, more: 1 })],
  ['a member twice', one => JSON.stringify(one).replace('{', '{"index":1,')],
  ['hashes of another length', one => ({ ...one, hashes: ['AAAA'] })],
  ['too many hashes', one => ({ ...one, hashes: Array(54).fill(one.hashes[0]) })],
  ['an index as text', one => ({ ...one, index: '122' })],
  ['a record that is no record', one => ({ ...one, record: '{"v":1}' })],
  ['another spelling of its record', one => ({ ...one, record: one.record.replace('"v":1', '"v": 1') })],
  ['a length beyond the limit', one => ({ ...one, record: ' '.repeat(140_000) })],
])('a proof with %s is refused', (_, change) => {
  expect(codeOf(change(proof))).toBe('malformed')
})

test('one bit changed anywhere is refused', () => {
  const text = JSON.stringify(proof)
  for (let at = 0; at < text.length; at += 5) {
    const changed = Buffer.from(text)
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 7))
    expect(codeOf(changed.toString()), `at ${at}`).not.toBe('accepted')
  }
})
