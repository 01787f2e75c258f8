import { thumbprint } from '@countersign/httpsig'
import { base64urlEncode } from '@countersign/httpsig/internal'
import { verifies } from '@countersign/requirements'
import { ask, delegate, newYear, type Signer, send, type World, world } from '@countersign/testing/auth/world'
import { plain, refusalOf } from '@countersign/testing/responses'
import { expect, test } from 'vitest'

/** A resource token as a JSON text would have it, right or wrong: no issuer of ours would sign most of these. */
interface Draft {
  readonly header: Record<string, unknown>
  readonly payload: Record<string, unknown>
}

type Change = (draft: Draft) => { header?: unknown; payload?: unknown }

async function drafted({ resourceKey }: World, to: Signer, change: Change): Promise<string> {
  const header = { typ: 'resource+jwt', alg: 'Ed25519', kid: 'r1' }
  const payload = {
    iss: 'https://calendar.example',
    aud: 'https://auth.example',
    agent: 'https://agent.example',
    agent_delegate: 'phone',
    agent_jkt: await thumbprint(to.key.publicJwk),
    scope: 'events.read',
    iat: newYear,
    exp: newYear + 300,
    jti: 'resource-token',
  }
  const changed = { header, payload, ...change({ header, payload }) }
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  const segment = (value: unknown) => base64urlEncode(new TextEncoder().encode(text(value)))
  const input = `${segment(changed.header)}.${segment(changed.payload)}`
  return `${input}.${base64urlEncode(await resourceKey.key.sign(new TextEncoder().encode(input)))}`
}

const header =
  (members: Record<string, unknown>): Change =>
  draft => ({ header: { ...draft.header, ...members } })
const claims =
  (members: Record<string, unknown>): Change =>
  draft => ({ payload: { ...draft.payload, ...members } })
/** The payload's JSON text, edited. */
const text =
  (edit: (json: string) => string): Change =>
  draft => ({ payload: edit(JSON.stringify(draft.payload)) })

test.each<[string, Change]>([
  [verifies('JWT-22', 'unchanged'), () => ({})],
  [verifies('JWT-22', 'unknown claims and names that are not ASCII'), claims({ 'naïve 🗓': { deep: [1, null] } })],
  [verifies('JWT-22', 'spaces between members'), text(json => json.replaceAll(',', ' ,\n\t'))],
  [verifies('JWT-17', 'a cty and a zip that decode nothing'), header({ cty: 'JWT', zip: 'DEF' })],
  [
    verifies('KEY-23', "an attacker's key in the header, unused"),
    header({ jwk: { kty: 'OKP' }, jku: 'https://evil.example' }),
  ],
  [verifies('JWT-13', 'one second before it ends'), claims({ iat: newYear - 299, exp: newYear + 1 })],
  [verifies('JWT-14', 'a life of ten minutes'), claims({ exp: newYear + 600 })],
  [verifies('JWT-15', 'an iat 60 seconds ahead'), claims({ iat: newYear + 60 })],
])('a resource token is accepted: %s', async (_, change) => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const resource_token = await drafted(made, phone, change)
  expect((await send(made, phone, { request_type: 'auth', resource_token })).status).toBe(200)
})

const deep = `${'['.repeat(2000)}${']'.repeat(2000)}`

test.each<[string, Change]>([
  [verifies('KEY-01', 'alg none'), header({ alg: 'none' })],
  [verifies('KEY-02', 'alg HS256'), header({ alg: 'HS256' })],
  [verifies('KEY-17', 'an alg that is not the key’s'), header({ alg: 'ES256' })],
  [verifies('KEY-19', 'no kid'), header({ kid: undefined })],
  [verifies('JWT-02', 'crit'), header({ crit: ['exp'] })],
  [verifies('JWT-02', 'empty crit'), header({ crit: [] })],
  [verifies('JWT-03', 'b64'), header({ b64: false })],
  [verifies('JWT-04', 'aud twice'), text(json => json.replace('{', '{"aud":"https://other.example",'))],
  [verifies('JWT-04', 'scope twice'), text(json => json.replace('{', '{"sc\\u006fpe":"events.list",'))],
  [verifies('JWT-06', 'an array'), text(json => `[${json}]`)],
  [verifies('JWT-06', 'trailing bytes'), text(json => `${json} x`)],
  [verifies('JWT-06', 'a byte order mark'), text(json => `\ufeff${json}`)],
  [verifies('JWT-08', 'iss in an array'), claims({ iss: ['https://calendar.example'] })],
  [verifies('JWT-09', 'iss with a slash'), claims({ iss: 'https://calendar.example/' })],
  [verifies('JWT-09', 'iss in upper case'), claims({ iss: 'https://CALENDAR.example' })],
  [verifies('JWT-09', 'iss over http'), claims({ iss: 'http://calendar.example' })],
  [verifies('JWT-11', 'RST-03', 'no aud'), claims({ aud: undefined })],
  [verifies('JWT-11', 'RST-03', 'aud in an array'), claims({ aud: ['https://auth.example'] })],
  [verifies('JWT-12', 'no exp'), claims({ exp: undefined })],
  [verifies('JWT-12', 'exp in words'), claims({ exp: String(newYear + 300) })],
  [verifies('JWT-12', 'exp beyond numbers'), text(json => json.replace(/"exp":\d+/, '"exp":1e400'))],
  [verifies('JWT-12', 'exp with a fraction'), claims({ exp: newYear + 299.5 })],
  [verifies('JWT-13', 'RST-08', 'exp now'), claims({ iat: newYear - 300, exp: newYear })],
  [verifies('JWT-14', 'RST-08', 'a life over ten minutes'), claims({ exp: newYear + 601 })],
  [verifies('JWT-15', 'iat 61 seconds ahead'), claims({ iat: newYear + 61 })],
  [verifies('JWT-15', 'nbf 61 seconds ahead'), claims({ nbf: newYear + 61 })],
  [verifies('JWT-15', 'nbf in words'), claims({ nbf: '0' })],
  [verifies('JWT-16', 'RST-02', 'typ JWT'), header({ typ: 'JWT' })],
  [verifies('JWT-16', 'RST-02', 'typ auth+jwt'), header({ typ: 'auth+jwt' })],
  [verifies('JWT-16', 'typ with a prefix'), header({ typ: 'application/resource+jwt' })],
  [verifies('JWT-16', 'typ in upper case'), header({ typ: 'RESOURCE+JWT' })],
  [verifies('JWT-16', 'no typ'), header({ typ: undefined })],
  [verifies('JWT-18', 'over 6 KiB'), claims({ padding: 'x'.repeat(6144) })],
  [verifies('JWT-19', 'deep JSON in an ignored claim'), text(json => json.replace('{', `{"deep":${deep},`))],
  [verifies('JWT-21', 'agent in an array'), claims({ agent: ['https://agent.example'] })],
  [verifies('JWT-21', 'scope in an array'), claims({ scope: ['events.read'] })],
  [verifies('JWT-21', 'agent_delegate a number'), claims({ agent_delegate: 1 })],
  [verifies('RST-05', 'a thumbprint of another hash'), claims({ agent_jkt: 'A'.repeat(86) })],
  [verifies('RST-09', 'neither scope nor auth_request_url'), claims({ scope: undefined })],
  [verifies('RST-09', 'both'), claims({ auth_request_url: 'https://calendar.example/request' })],
  [verifies('RST-13', 'scopes twice'), claims({ scope: 'events.read events.read' })],
  [verifies('RST-13', 'a tab between scopes'), claims({ scope: 'events.read\tevents.list' })],
])('a resource token is refused: %s', async (_, change) => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const resource_token = await drafted(made, phone, change)
  const response = await send(made, phone, { request_type: 'auth', resource_token })
  expect(await refusalOf(response)).toMatchObject(plain(400, 'invalid_resource_token'))
  expect((await ask(made, phone)).status).toBe(200)
})

test(verifies('token.unreadable', 'a text of which the type cannot be read is a wrong resource token'), async () => {
  const made = await world()
  const phone = await delegate(made, 'phone')
  const [, payload, signature] = (await drafted(made, phone, () => ({}))).split('.')
  for (const resource_token of ['a', 'a.b', 'a.b.c.d', `W10.${payload}.${signature}`, 'a'.repeat(6145)]) {
    const response = await send(made, phone, { request_type: 'auth', resource_token })
    expect(await refusalOf(response), resource_token.slice(0, 20)).toMatchObject(plain(400, 'invalid_resource_token'))
  }
  expect((await ask(made, phone)).status).toBe(200)
})
