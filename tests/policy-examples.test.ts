import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseConditions } from '@countersign/conditions'
import { operationDigest } from '@countersign/protocol'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'

/** Section 9 of the protocol, which is written to be implemented from: its examples hold. */
const [, section = ''] = readFileSync(join(root, 'docs/protocol.md'), 'utf8').split('\n## 9. ')
const [own = ''] = section.split('\n## 10. ')
const blocks = [...own.matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```$/gm)].map(([, kind, text = '']) => ({ kind, text }))
const payloads = blocks
  .filter(({ kind }) => kind === 'json')
  .map(({ text }) => JSON.parse(text) as Readonly<Record<string, unknown>>)

test('each list of conditions in the protocol is read, and each type has its row', () => {
  const lists = payloads.flatMap(({ delegation, constraints }) => [delegation, constraints]).filter(Array.isArray)
  expect(lists.map(list => parseConditions(list).map(({ type }) => type))).toEqual([
    ['scopes', 'hours', 'chain'],
    ['data', 'calls', 'scopes', 'hours', 'chain'],
  ])
  expect([...own.matchAll(/^\| `(\w+)` \| .* \| (?:both|the resource) \|$/gm)].map(([, type]) => type)).toEqual([
    'resources',
    'scopes',
    'purposes',
    'until',
    'hours',
    'calls',
    'chain',
    'data',
    'arguments',
    'approval',
  ])
})

test('the worked digest of the protocol is that of its lines, and that of the request', async () => {
  const lines = (blocks.find(({ text }) => text.startsWith('"@method"'))?.text ?? '').trimEnd().replaceAll('␟', '\x1f')
  const { operation } = payloads.find(payload => 'operation' in payload) as {
    operation: { digest: string; display: string[] }
  }
  expect(Buffer.byteLength(lines)).toBe(230)
  expect(operation.digest).toBe(createHash('sha256').update(lines).digest('base64url'))
  const base = [...lines.split('\n').slice(0, 5), '"signature-key": sig=jwt;jwt="x"', '"@signature-params": ()'].join(
    '\n',
  )
  expect(operation.digest).toBe(await operationDigest(base, operation.display))
  const body = '{"to":"bob@example.org","title":"Chess at eight"}'
  expect(own).toContain(`\n\n${body}\n`)
  expect(lines).toContain(createHash('sha256').update(body).digest('base64'))
})

test('each response with a body in section 9 has its length', () => {
  const counted = blocks.flatMap(({ text }) => {
    const [head = '', body = ''] = text.split('\n\n')
    const length = /^content-length: (\d+)$/m.exec(head)?.[1]
    return length === undefined ? [] : [[Number(length), Buffer.byteLength(body.trimEnd())]]
  })
  expect(counted).toEqual([[54, 54]])
})
