import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { scene } from '../delegate.test.fixture.js'
import { type OidcIssuer, oidc } from '../index.js'
import { enrolBy, issuer, issuerKey, oidcScene } from './oidc.test.fixture.js'

const configuration = `${issuer}/.well-known/openid-configuration`
const keys = `${issuer}/keys`
const enrolled = { status: 200, error: undefined, agentAuth: null }
const refused = { status: 400, error: 'invalid_grant', reason: 'oidc_signature_wrong', agentAuth: null }
const unusable = { status: 400, error: 'discovery_failed', agentAuth: null }

test(
  verifies(
    'delegate.enrol.oidc',
    'a new key of the issuer is fetched, and unknown kids cost one fetch per half minute',
  ),
  async () => {
    const stage = await oidcScene()
    const [stranger, two] = [await issuerKey('never', 'ES256'), await issuerKey('two', 'ES256')]
    for (let count = 0; count < 20; count++) expect(await enrolBy(stage, { by: stranger })).toEqual(refused)
    expect(stage.host.fetched).toEqual([configuration, keys])
    stage.host.documents[keys] = { keys: [stage.key.jwk, two.jwk] }
    expect(await enrolBy(stage, { by: two })).toEqual(refused)
    stage.clock.now += 31
    expect(await enrolBy(stage, { by: two })).toEqual(enrolled)
    expect(await enrolBy(stage)).toEqual(enrolled)
    expect(stage.host.fetched).toEqual([configuration, keys, keys])
  },
)

test(
  verifies(
    'delegate.enrol.oidc',
    'a key replaced under its kid is fetched, and wrong signatures cost one fetch per half minute',
  ),
  async () => {
    const stage = await oidcScene()
    const replaced = await issuerKey('one', 'ES256')
    expect(await enrolBy(stage)).toEqual(enrolled)
    stage.host.documents[keys] = { keys: [replaced.jwk] }
    for (let count = 0; count < 20; count++) expect(await enrolBy(stage, { by: replaced })).toEqual(refused)
    expect(stage.host.fetched).toEqual([configuration, keys])
    stage.clock.now += 31
    expect(await enrolBy(stage, { by: replaced })).toEqual(enrolled)
    for (let count = 0; count < 20; count++) expect(await enrolBy(stage)).toEqual(refused)
    expect(stage.host.fetched).toEqual([configuration, keys, keys])
    stage.host.documents = { [configuration]: stage.host.documents[configuration] }
    stage.clock.now += 31
    expect(await enrolBy(stage)).toEqual(refused)
    expect(await enrolBy(stage, { by: replaced })).toEqual(enrolled)
  },
)

test.each([
  ['names another issuer', 'document_of_another', { issuer: 'https://evil.example', jwks_uri: keys }],
  ['names it with a slash', 'document_of_another', { issuer: `${issuer}/`, jwks_uri: keys }],
  ['names no keys', 'document_malformed', { issuer }],
  ['is a list', 'document_of_another', [issuer]],
])(verifies('delegate.enrol.oidc', 'an openid-configuration that %s is refused'), async (_, reason, document) => {
  const stage = await oidcScene()
  const right = stage.host.documents[configuration]
  stage.host.documents[configuration] = document
  expect(await enrolBy(stage)).toEqual({ ...unusable, reason })
  expect(stage.host.fetched).toEqual([configuration])
  stage.host.documents[configuration] = right
  stage.clock.now += 10
  expect(await enrolBy(stage)).toEqual(enrolled)
})

test.each([
  ['no set', {}],
  ['a set of no objects', { keys: ['k'] }],
  ['an empty set', { keys: [] }],
])(verifies('delegate.enrol.oidc', 'keys that are %s are refused'), async (_, document) => {
  const stage = await oidcScene()
  stage.host.documents[keys] = document
  expect(await enrolBy(stage)).toEqual({ ...unusable, reason: 'jwks_malformed' })
})

test(
  verifies(
    'delegate.enrol.oidc',
    'an issuer that does not answer is 503, and its last keys are used for up to an hour',
  ),
  async () => {
    const stage = await oidcScene()
    const documents = stage.host.documents
    stage.host.documents = {}
    expect(await enrolBy(stage)).toMatchObject({ status: 503, error: 'discovery_failed', agentAuth: null })
    stage.host.documents = documents
    stage.clock.now += 10
    expect(await enrolBy(stage)).toEqual(enrolled)
    stage.host.documents = {}
    stage.clock.now += 280
    expect(await enrolBy(stage)).toEqual(enrolled)
  },
)

test(verifies('delegate.enrol.oidc', 'with `jwksUri` or `jwks`, no openid-configuration is fetched'), async () => {
  const elsewhere = await oidcScene({ jwksUri: keys })
  expect(await enrolBy(elsewhere)).toEqual(enrolled)
  expect(elsewhere.host.fetched).toEqual([keys])
  const key = await issuerKey('one', 'ES256')
  const fixed = await oidcScene({ jwks: { keys: [key.jwk] } }, { key })
  expect(await enrolBy(fixed)).toEqual(enrolled)
  expect(await enrolBy(fixed, { by: await issuerKey('other', 'ES256') })).toEqual(refused)
  expect(fixed.host.fetched).toEqual([])
})

test(
  verifies('delegate.enrol.oidc', 'the JWT keys of a SPIFFE bundle verify tokens, its certificate keys do not'),
  async () => {
    const [key, certificate] = [await issuerKey('jwt', 'ES256'), await issuerKey('x509', 'ES256')]
    const jwks = {
      keys: [
        { ...key.jwk, use: 'jwt-svid' },
        { ...certificate.jwk, use: 'x509-svid' },
      ],
    }
    const stage = await oidcScene({ name: 'mesh', subjects: ['spiffe://acme.example/ns/prod/sa/*'], jwks }, { key })
    const sub = 'spiffe://acme.example/ns/prod/sa/agent'
    const staging = 'spiffe://acme.example/ns/staging/sa/agent'
    expect(await enrolBy(stage, { claims: { sub: staging } })).toEqual({ ...refused, reason: 'oidc_token_mismatched' })
    expect(await enrolBy(stage, { claims: { sub }, by: certificate })).toEqual(refused)
    expect(await enrolBy(stage, { claims: { sub } })).toEqual(enrolled)
    expect((await stage.server.list()).map(delegate => delegate.sub)).toEqual([`oidc:mesh#${sub}`])
  },
)

test(
  verifies(
    'delegate.enrol.oidc',
    'an issuer inside a private network is not fetched without a fetcher of the operator',
  ),
  async () => {
    const rule: OidcIssuer = { issuer: 'https://10.0.0.1', name: 'ci', subjects: ['repo:acme/*'] }
    const key = await issuerKey('one', 'ES256')
    const guarded = await scene({ enrollment: [oidc({ issuers: [rule] })] })
    const stage = { ...guarded, key, host: { fetched: [], documents: {}, fetcher: () => Promise.reject(new Error()) } }
    expect(await enrolBy(stage, { claims: { iss: 'https://10.0.0.1' } })).toMatchObject(unusable)
  },
)

test(
  verifies(
    'delegate.enrol.oidc',
    'an issuer that serves invalid keys is an alarm, and its last valid keys are used for an hour',
  ),
  async () => {
    const stage = await oidcScene()
    const good = stage.host.documents[keys]
    const enrol = () => enrolBy(stage, { claims: { iat: stage.clock.now - 5, exp: stage.clock.now + 300 } })
    expect(await enrolBy(stage)).toEqual(enrolled)
    for (const garbage of [{ keys: [] }, { error: 'moved' }]) {
      stage.host.documents[keys] = garbage
      stage.clock.now += 310
      expect(await enrol()).toEqual(enrolled)
      expect(stage.events.at(-2)).toMatchObject({ type: 'alarm', reason: 'issuer-garbage', issuer })
    }
    stage.host.documents[keys] = { keys: [(await issuerKey('other')).jwk] }
    stage.clock.now += 310
    expect(await enrol()).toEqual(refused)
    stage.host.documents[keys] = good
    stage.clock.now += 310
    expect(await enrol()).toEqual(enrolled)
  },
)
