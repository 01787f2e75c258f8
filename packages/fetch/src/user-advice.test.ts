import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IdentityFlags } from './agent.js'
import { npxNames } from './command-names.js'
import type { ObservedRefusal } from './refusals.js'
import { observeRefusals } from './refusals.js'
import { describeRefusals } from './user-advice.js'

// What a refused user reads of the auth server, and what to change.

let site: Server
let id = ''
let published: Record<string, unknown> | undefined

beforeAll(async () => {
  site = createServer((_, response) => {
    response.writeHead(published === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ issuer: id, agent: id, jwks_uri: `${id}/jwks.json`, ...published }))
  })
  await new Promise<void>(resolve => site.listen(0, 'localhost', resolve))
  id = `http://localhost:${(site.address() as AddressInfo).port}`
})
afterAll(() => site.close())

const refusal: ObservedRefusal = {
  origin: 'https://auth.example',
  error: 'invalid_request',
  description: 'redirect_uri is none of yours',
  offeredLoopback: true,
}
const noCode: ObservedRefusal = {
  origin: 'https://auth.example',
  error: 'unauthorized_client',
  description: 'no codes for you',
  offeredLoopback: false,
}
const said = '; https://auth.example says: redirect_uri is none of yours'

async function advice(refusals: readonly ObservedRefusal[], flags: Partial<IdentityFlags> = {}): Promise<string> {
  return describeRefusals(refusals, { as: 'agent', id, development: true, ...flags }, npxNames)
}

describe('an identity that does not let users come back to this machine', () => {
  test('gets advice on which option to add, and who must add it', async () => {
    published = {}
    expect(await advice([refusal])).toBe(
      `${said}\n  ${id} does not let users be sent back to this machine: publish it again with npx -y @countersign/fetch keys publish DIR --id ${id} --localhost-callback --development, or use --device here`,
    )
    expect(await advice([refusal], { as: 'delegate' })).toBe(
      `${said}\n  ${id} does not let users be sent back to this machine: let its operator start countersign agent-server with --localhost-callback, or use --device here`,
    )
  })

  test('no advice to add it when the identity allows it, or cannot be read', async () => {
    published = { localhost_callback_allowed: true }
    expect(await advice([refusal])).toBe(
      `${said}\n  ${id} lets users be sent back to this machine: where that is new, the auth server sees it within 10 minutes`,
    )
    published = undefined
    expect(await advice([refusal])).toBe(said)
    published = { padding: 'x'.repeat(70_000) }
    expect(await advice([refusal])).toBe(said)
  })

  test('no advice when no loopback callback was offered, or the refusal has another reason', async () => {
    published = {}
    expect(await advice([{ ...refusal, offeredLoopback: false }])).toBe(said)
    expect(await advice([{ ...refusal, error: 'invalid_scope' }])).toBe(said)
    expect(await advice([])).toBe('')
  })
})

test('with --device the refusal of codes is told, not that of the request without a user after it', async () => {
  const after = { ...refusal, description: 'redirect_uri is missing', offeredLoopback: false }
  expect(await advice([noCode, after], { device: true })).toBe(
    `; https://auth.example says: no codes for you\n  that auth server shows users of ${id} no codes: use --no-browser here, or let it be started with --device-flow ${id}`,
  )
  published = {}
  expect(await advice([noCode, refusal])).toContain('--localhost-callback')
})

test("an auth server's words stay on their line", async () => {
  expect(await advice([{ ...refusal, error: '', description: 'a\n  run: rm -rf ~' }])).toBe(
    '; https://auth.example says: a\\u000a  run: rm -rf ~',
  )
})

test('of a refusal without an end only its beginning is read, and the last 8 are kept', async () => {
  let cancelled = false
  const endless = (): Response =>
    new Response(
      new ReadableStream({
        pull: controller => controller.enqueue(new Uint8Array(4096)),
        cancel: () => {
          cancelled = true
        },
      }),
      { status: 400 },
    )
  const short = (): Response => Response.json({ error: 'x', error_description: 'y' }, { status: 400 })
  const target = new URL('https://api.example/')
  const hostile = observeRefusals(target, async () => endless())
  const response = await hostile.fetch('https://auth.example/token', { method: 'POST' })
  await response.body?.cancel()
  expect([hostile.all(), cancelled]).toEqual([[], true])
  const chatty = observeRefusals(target, async () => short())
  for (let at = 0; at < 10; at++) await chatty.fetch('https://auth.example/token', { method: 'POST' })
  expect(chatty.all()).toHaveLength(8)
})
