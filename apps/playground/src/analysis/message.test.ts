import { describe, expect, test } from 'vitest'
import type { ShownMessage } from '../explorer/contract.js'
import type { AnalyzedCheck } from './analysis.js'
import { knownFrom } from './known.js'
import { analyzeMessage } from './message.js'
import { known, shown, worked, workedMessage } from './worked.test.fixture.js'

const analyze = (name: string, change: Partial<ShownMessage> = {}): ReturnType<typeof analyzeMessage> =>
  analyzeMessage({ ...shown(workedMessage(name)), ...change }, known)

const line = ({ id, result, reason }: AnalyzedCheck): string =>
  [id, result, ...(reason === undefined ? [] : [reason])].join(' ')

/** A response of a participant that refuses. */
const refusal = (status: number, error: string, reason: string): ShownMessage['response'] => ({
  status,
  headers: [],
  body: JSON.stringify({ error, reason, error_description: 'the description of the receiver' }),
})

describe('a request that was let pass', () => {
  test('has its components in order beside the base that was signed', async () => {
    const { signature } = await analyze('consent-authorized')
    expect(signature?.components.map(({ name, from, color }) => [color, name, from])).toEqual([
      [0, '@method', 'the request line: its method'],
      [1, '@authority', 'the receiver’s own name, which Host must agree with'],
      [2, '@path', 'the request line: its path'],
      [3, 'content-type', 'the header content-type'],
      [4, 'content-digest', 'the header content-digest'],
      [5, 'signature-key', 'the header signature-key'],
    ])
    expect(signature?.base.map(({ text }) => text).join('\n')).toBe(workedMessage('consent-authorized').signature.base)
    expect(signature?.base.map(({ color }) => color)).toEqual([0, 1, 2, 3, 4, 5, undefined])
    expect(signature?.parameters.map(({ name, words }) => [name, words])).toEqual([
      ['created', 'Signed at 2027-01-15 08:45:26 UTC, at the same second. A receiver accepts 60 s of difference.'],
      ['nonce', expect.stringContaining('A random text')],
    ])
  })

  test('passed each check of a verifier, in its order', async () => {
    const { checks, ok, verdict } = await analyze('consent-authorized')
    expect(checks.map(line)).toEqual([
      ...['request', 'authority', 'headers', 'times', 'coverage'].map(id => `${id} passed`),
      ...['token-form', 'accepted', 'key', 'token-signature'].map(id => `${id} passed`),
      ...['token-times', 'token-audience', 'token-claims', 'digest', 'signature'].map(id => `${id} passed`),
      ...['grant', 'admitted', 'level', 'chain', 'conditions', 'limits', 'approval', 'replay'].map(
        id => `${id} passed`,
      ),
      'decision passed',
    ])
    expect([ok, verdict]).toEqual([true, 'The receiver made these checks, and let it pass.'])
    const repeated = checks.filter(({ byReceiver }) => byReceiver === undefined)
    expect(repeated).toHaveLength(13)
    expect(repeated.every(({ ms = -1 }) => ms >= 0)).toBe(true)
    const coverage = checks.find(({ id }) => id === 'coverage')
    expect(coverage?.clause).toEqual({
      id: 'sig.covered.always',
      section: '3.4',
      href: 'https://github.com/countersign-dev/countersign/blob/main/docs/protocol.md#34-covered-components',
    })
  })

  test('is judged by the key that its signer names: none, in the request, published, in a token', async () => {
    const ids = async (name: string): Promise<string> => (await analyze(name)).checks.map(({ id }) => id).join(' ')
    const guard = 'grant admitted level chain conditions limits approval replay decision'
    expect(await ids('pseudonymous')).toBe(
      `request authority headers times coverage accepted inline-key signature ${guard}`,
    )
    const audience = async (name: string): Promise<string | undefined> =>
      (await analyze(name)).checks.find(({ id }) => id === 'token-audience')?.clause.id
    expect([await audience('challenge'), await audience('authorized')]).toEqual(['token.agent.aud', 'token.auth.aud'])
    expect(await ids('calendar-challenge')).toBe(
      `request authority headers times coverage accepted key signature ${guard}`,
    )
    expect(await ids('refresh')).toBe(
      'request authority headers times coverage token-form accepted key token-signature token-times token-audience token-claims digest signature replay decision',
    )
  })

  test('of every worked message is let pass here, too', async () => {
    const messages = worked.messages.filter(({ response }) => response.status < 300)
    expect(messages.length).toBeGreaterThan(20)
    for (const { name } of messages) {
      const { checks } = await analyze(name)
      expect(checks.filter(({ result }) => result !== 'passed').map(line), name).toEqual([])
    }
  })
})

describe('a request that was refused', () => {
  test('shows the check that its receiver names, and none after it as reached', async () => {
    const { checks, verdict, ok } = await analyze('policy-refused')
    expect(checks.slice(-6).map(line)).toEqual([
      'chain passed',
      'conditions failed condition_scope',
      ...['limits', 'approval', 'replay', 'decision'].map(id => `${id} not reached`),
    ])
    expect([ok, verdict]).toEqual([
      false,
      'The receiver refused it, at “Delegation policy”: The condition `scopes` of the policy does not list a scope of this request.',
    ])
  })

  test('is found to be wrong here for the reason that a verifier would name', async () => {
    const found: string[] = []
    for (const { change, request, time } of worked.refused) {
      const response = { status: 200, headers: [] }
      const { checks } = await analyzeMessage(shown({ request, time, response }), known)
      const odd = checks.filter(({ result }) => result !== 'passed')
      found.push(`${change}: ${odd.map(({ id, finding }) => `${id}, ${/(\w+)\.$/.exec(finding)?.[1]}`).join('; ')}`)
    }
    expect(found).toEqual([
      'the same request once more: ',
      'the same request once more, 61 seconds later: times, created_too_old',
      'another method: signature, signature_wrong',
      'another path: signature, signature_wrong',
      'a query: coverage, component_not_covered',
      'one byte of the body: digest, digest_wrong',
      '`content-type` is another: signature, signature_wrong',
      'no `content-digest`: coverage, component_missing',
      'no `signature-key`: headers, signature_header_missing',
      '`created` is a second later: signature, signature_wrong',
      '`@path` is not covered: coverage, component_not_covered',
      'the labels differ: headers, signature_label_missing',
      'an unknown scheme: headers, scheme_unsupported',
      'signed anew, by another key than the token’s: signature, signature_wrong',
      'signed anew, after the token’s `exp`: token-times, token_expired',
      'signed anew, for a resource that does not trust the token’s issuer: token-audience, token_audience_wrong',
    ])
  })

  test('is shown with the reason of its receiver, at the check that the reason is of', async () => {
    const failed = async (status: number, error: string, reason: string): Promise<string | undefined> => {
      const { checks } = await analyze('consent-authorized', { response: refusal(status, error, reason) })
      return checks
        .filter(({ result }) => result === 'failed')
        .map(line)
        .join()
    }
    expect(await failed(400, 'invalid_request', 'target_malformed')).toBe('request failed target_malformed')
    expect(await failed(421, 'invalid_request', 'authority_not_served')).toBe('authority failed authority_not_served')
    expect(await failed(401, 'invalid_signature', 'created_too_old')).toBe('times failed created_too_old')
    expect(await failed(401, 'invalid_signature', 'component_not_covered')).toBe(
      'coverage failed component_not_covered',
    )
    expect(await failed(401, 'untrusted_issuer', 'issuer_untrusted')).toBe('accepted failed issuer_untrusted')
    expect(await failed(401, 'invalid_auth_token', 'token_audience_wrong')).toBe(
      'token-audience failed token_audience_wrong',
    )
    expect(await failed(401, 'invalid_signature', 'digest_wrong')).toBe('digest failed digest_wrong')
    expect(await failed(401, 'invalid_signature', 'signature_wrong')).toBe('signature failed signature_wrong')
    expect(await failed(401, 'invalid_auth_token', 'grant_ended')).toBe('grant failed grant_ended')
    expect(await failed(403, 'policy_denied', 'caller_denied')).toBe('admitted failed caller_denied')
    expect(await failed(403, 'insufficient_scope', 'scope_missing')).toBe('level failed scope_missing')
    expect(await failed(403, 'policy_denied', 'via_missing')).toBe('chain failed via_missing')
    expect(await failed(429, 'rate_limited', 'calls_used_up')).toBe('conditions failed calls_used_up')
    expect(await failed(429, 'rate_limited', 'rate_exceeded')).toBe('limits failed rate_exceeded')
    expect(await failed(401, 'insufficient_level', 'approval_needed')).toBe('approval failed approval_needed')
    expect(await failed(401, 'replay_detected', 'request_replayed')).toBe('replay failed request_replayed')
    expect(await failed(404, 'invalid_request', 'path_unknown')).toBe('decision failed path_unknown')
    expect(await failed(401, 'invalid_request', 'a_name_of_tomorrow')).toBe('decision failed a_name_of_tomorrow')
    // An answer of a handler is none of a verifier.
    expect(await failed(404, 'x', '')).toBe('decision failed ')
  })

  test('is shown at the check that refuses here, too, where several checks share a reason', async () => {
    const { request } = shown(workedMessage('pseudonymous'))
    // No point of the curve: the header has its form, and only the key itself shows it.
    const headers = request.headers.map(([name, value]): [string, string] => [
      name,
      name === 'signature-key' ? value.replace(/x="[^"]*"/, `x="Ag${'A'.repeat(41)}"`) : value,
    ])
    const response = refusal(401, 'unsupported_algorithm', 'key_unacceptable')
    const { checks } = await analyze('pseudonymous', { request: { ...request, headers }, response })
    expect(checks.filter(({ result }) => result === 'failed').map(line)).toEqual(['inline-key failed key_unacceptable'])
    const answered = await analyze('pseudonymous', { response })
    expect(answered.checks.filter(({ result }) => result === 'failed').map(line)).toEqual([
      'headers failed key_unacceptable',
    ])
  })

  test('by a JSON-RPC error has its reason in the data of the error', async () => {
    const body = JSON.stringify({
      jsonrpc: '2.0',
      error: { message: 'no', data: { error: 'x', reason: 'request_replayed' } },
    })
    const { checks } = await analyze('consent-authorized', { response: { status: 400, headers: [], body } })
    expect(checks.filter(({ result }) => result === 'failed').map(line)).toEqual(['replay failed request_replayed'])
  })
})

describe('what this page cannot see is said', () => {
  test('a body whose secret is shortened', async () => {
    const { request } = shown(workedMessage('refresh'))
    const body = request.body.replace(/(refresh_token=.{6})[^&]*/, '$1…')
    expect(body).toContain('…')
    const { checks } = await analyze('refresh', { request: { ...request, body } })
    const digest = checks.find(({ id }) => id === 'digest')
    expect([digest?.result, digest?.byReceiver, digest?.finding]).toEqual([
      'passed',
      true,
      'The receiver let it pass. A secret in this body is shortened here, so its digest cannot be computed again.',
    ])
    expect(checks.find(({ id }) => id === 'signature')).toMatchObject({ result: 'passed', ms: expect.any(Number) })
  })

  test('keys that nobody has published in its sight', async () => {
    const { checks } = await analyzeMessage(shown(workedMessage('consent-authorized')), { ...known, documents: {} })
    const found = checks.filter(({ id }) => id === 'key' || id === 'token-signature').map(({ finding }) => finding)
    expect(found).toEqual([
      'The receiver let it pass. What https://auth.example publishes is not known here.',
      'The receiver let it pass. The key of its issuer is not known here.',
    ])
  })

  test('keys are learnt from the documents that messages carried, and old ones are kept', () => {
    const document = (keys: string[]): ShownMessage => ({
      ...shown(workedMessage('pseudonymous')),
      kind: 'discovery',
      request: { method: 'GET', target: '/jwks', headers: [], body: '' },
      response: { status: 200, headers: [], body: JSON.stringify({ keys }) },
    })
    const learnt = knownFrom([document(['a']), document(['b']), document(['b'])], { ...known, documents: {} })
    expect(learnt.documents).toEqual({ 'https://calendar.example/jwks': [{ keys: ['b'] }, { keys: ['a'] }] })
  })
})

describe('tokens of a message', () => {
  test('are found wherever they stand, and say whose they are', async () => {
    const places = async (name: string): Promise<string[]> =>
      (await analyze(name)).tokens.map(({ at, name: type }) => `${type}: ${at}`)
    expect(await places('auth')).toEqual([
      'agent token: signature-key of the request',
      'resource token: resource_token in the body of the request',
      'auth token: auth_token in the body of the response',
    ])
    expect(await places('challenge')).toEqual([
      'agent token: signature-key of the request',
      'resource token: agent-auth of the response',
    ])
    expect(await places('calendar-exchange')).toContain('auth token: upstream_token in the body of the request')
    const { tokens } = await analyze('auth')
    expect(tokens.map(({ parties }) => parties.map(entry => entry.join(' ')))).toEqual([
      [
        'signed by the agent (its agent server) (https://agent.example)',
        'held by the delegate (phone)',
        'checked by every participant that the delegate calls',
      ],
      [
        'signed by the resource (https://calendar.example)',
        'held by the agent (https://agent.example)',
        'checked by the auth server (https://auth.example); before it, the agent that carries it',
      ],
      [
        'signed by the auth server (https://auth.example)',
        'held by the agent (https://agent.example)',
        'checked by the resource (https://calendar.example); before it, the agent that gets it',
      ],
    ])
  })

  test('have each claim with its meaning, who checks it, and its clause', async () => {
    const { tokens } = await analyze('policy-authorized')
    const claims = tokens[0]?.claims ?? []
    const claim = (name: string): unknown => claims.find(one => one.name === name)
    expect(claims.map(({ name }) => name).join(' ')).toBe(
      'iss aud agent agent_delegate cnf sub scope constraints iat exp jti txn grant',
    )
    expect(claim('aud')).toMatchObject({
      value: 'https://shop.example',
      words: [],
      meaning: 'the resource it is for',
      checkedBy: 'the agent, the resource',
      clause: { id: 'token.auth.aud', section: '5' },
    })
    expect(claim('jti')).not.toHaveProperty('checkedBy')
    expect(claim('cnf')).toMatchObject({
      words: [expect.stringMatching(/^Ed25519 key with the thumbprint [\w-]{43}$/)],
    })
    expect(claim('constraints')).toMatchObject({
      words: expect.arrayContaining([expect.stringMatching(/^(?:Only|At most|Monday|Every).*\.$/)]),
      meaning: 'the conditions under which the grant holds',
      checkedBy: 'the resource',
    })
    expect(tokens[0]?.life).toMatch(/^Lives \d+ (?:s|min|h); ends \d+ (?:s|min|h) after this message\.$/)
  })
})

describe('a challenge', () => {
  test('is said in words', async () => {
    const { challenge, verdict } = await analyze('challenge')
    expect(challenge?.asks).toBe(
      'Get an auth token from the auth server, with the resource token; then repeat the request.',
    )
    expect(challenge?.parts.map(part => part.join(': '))).toEqual([
      'auth-token: the request needs an auth token',
      'auth_server: ask here: https://auth.example',
      'resource_token: the resource says in it, signed, which agent needs what',
    ])
    expect(verdict).toMatch(/^The receiver asks for more, at “Level and scope”: /)
  })

  test('that names a page shows only whose page it is', async () => {
    const { challenge } = await analyze('interaction-challenge')
    expect(challenge?.asks).toBe('Send your user to the page, then repeat the request.')
    expect(challenge?.parts.map(([, words]) => words)).toContain('the user opens a page of https://calendar.example')
  })
})

test('a public document and a page for a browser need no signature', async () => {
  const { request } = shown(workedMessage('pseudonymous'))
  const headers = request.headers.filter(([name]) => !name.startsWith('signature'))
  const unsigned = { request: { ...request, headers }, kind: 'discovery' } as const
  const { checks, ok, verdict } = await analyze('pseudonymous', unsigned)
  expect([checks, ok]).toEqual([[], true])
  expect(verdict).toMatch(/^This request is not signed, and need not be/)
  const wrong = await analyze('pseudonymous', { ...unsigned, response: { status: 403, headers: [], body: '<html>' } })
  expect([wrong.ok, wrong.verdict]).toEqual([false, expect.stringMatching(/ The receiver answered it with 403\.$/)])
  // The same on a route of an API is judged.
  const call = await analyze('pseudonymous', { ...unsigned, kind: 'call' })
  expect(call.checks.map(line).slice(0, 2)).toEqual(['request passed', 'authority passed'])
})
