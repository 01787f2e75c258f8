import { HttpSigError } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { AAuthError, type AAuthErrorOptions, type ErrorCode, errorResponse } from './index.js'
import { asAAuthError, errorFields } from './internal.js'

test.each<readonly [ErrorCode, number]>([
  ['invalid_request', 400],
  ['invalid_signature', 401],
  ['unsupported_scheme', 401],
  ['unsupported_algorithm', 401],
  ['invalid_agent_token', 401],
  ['invalid_auth_token', 401],
  ['untrusted_issuer', 401],
  ['insufficient_level', 401],
  ['interaction_required', 401],
  ['replay_detected', 401],
  ['discovery_failed', 401],
  ['insufficient_scope', 403],
  ['policy_denied', 403],
  ['rate_limited', 429],
  ['invalid_resource_token', 400],
  ['invalid_grant', 400],
  ['invalid_scope', 400],
  ['unsupported_request_type', 400],
  ['authorization_pending', 400],
  ['slow_down', 400],
  ['expired_token', 400],
  ['unauthorized_client', 403],
  ['access_denied', 403],
  ['temporarily_unavailable', 503],
  ['server_error', 500],
])(verifies('error.shape', '%s is answered with %d'), async (code, status) => {
  const response = errorResponse(new AAuthError(code, 'what is wrong', { reason: 'internal_error' }))
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(await response.json()).toEqual({
    error: code,
    reason: 'internal_error',
    error_description: 'what is wrong',
  })
})

test('a token endpoint may answer the same code with another status', () => {
  const error = new AAuthError('invalid_auth_token', 'the upstream_token has expired (exp)', {
    reason: 'token_expired',
    status: 400,
  })
  expect(errorResponse(error).status).toBe(400)
  expect(
    errorResponse(new AAuthError('discovery_failed', 'unreachable', { reason: 'participant_unreachable', status: 503 }))
      .status,
  ).toBe(503)
})

test(verifies('error.description', 'received data is in the cause only'), async () => {
  const error = new AAuthError('invalid_request', 'code is missing', {
    reason: 'parameter_missing',
    cause: { code: 's3cret' },
  })
  expect(error.cause).toEqual({ code: 's3cret' })
  expect(error.message).toBe('code is missing')
  expect(await errorResponse(error).text()).toBe(
    '{"error":"invalid_request","reason":"parameter_missing","error_description":"code is missing"}',
  )
})

describe('headers', () => {
  const now = (): number => 1_800_000_000.75
  const headers = (code: ErrorCode, options: Partial<AAuthErrorOptions> = {}): Headers =>
    errorResponse(new AAuthError(code, 'x', { reason: 'internal_error', ...options }), { now }).headers

  test(verifies('cache.no-store', 'no cache stores an error'), () => {
    for (const code of [
      'invalid_request',
      'insufficient_level',
      'policy_denied',
      'rate_limited',
      'server_error',
    ] as const)
      expect(headers(code).get('cache-control')).toBe('no-store')
  })

  test(verifies('error.date', '401 and 5xx have Date'), () => {
    for (const code of ['invalid_signature', 'server_error', 'temporarily_unavailable'] as const)
      expect(headers(code).get('date')).toBe('Fri, 15 Jan 2027 08:00:00 GMT')
    expect(headers('invalid_request').get('date')).toBeNull()
    expect(headers('insufficient_scope').get('date')).toBeNull()
  })

  test(verifies('error.rate-limited', 'error.unavailable', 'Retry-After is whole seconds, at least one'), () => {
    expect(headers('rate_limited', { retryAfter: 2.1 }).get('retry-after')).toBe('3')
    expect(headers('rate_limited', { retryAfter: 0 }).get('retry-after')).toBe('1')
    expect(headers('rate_limited').get('retry-after')).toBe('1')
    expect(headers('temporarily_unavailable', { retryAfter: 60 }).get('retry-after')).toBe('60')
    expect(headers('temporarily_unavailable').get('retry-after')).toBe('1')
    expect(headers('invalid_signature').get('retry-after')).toBeNull()
    expect(headers('server_error').get('retry-after')).toBeNull()
  })

  test(verifies('challenge.syntax', 'the given challenge and headers'), () => {
    const error = new AAuthError('insufficient_level', 'sign in', { reason: 'level_insufficient' })
    const given: Array<[string, string]> = [
      ['allow', 'GET'],
      ['vary', 'signature-key'],
      ['cache-control', 'public'],
    ]
    const response = errorResponse(error, { agentAuth: { identity: true }, headers: given, now })
    expect(response.headers.get('agent-auth')).toBe('httpsig; identity=?1')
    expect(response.headers.get('allow')).toBe('GET')
    expect(response.headers.get('vary')).toBe('signature-key')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(errorResponse(error).headers.get('agent-auth')).toBeNull()
  })
})

describe('what was thrown', () => {
  test('returns an AAuthError unchanged', () => {
    const error = new AAuthError('invalid_grant', 'x', { reason: 'grant_ended' })
    expect(asAAuthError(error)).toBe(error)
  })

  test(
    verifies(
      'error.required-components',
      'error.unsupported-algorithm',
      'an HttpSigError keeps code, status and facts',
    ),
    async () => {
      const missing = new HttpSigError('invalid_signature', 'a component is missing', {
        reason: 'component_not_covered',
        required_components: ['@method'],
        cause: { a: 1 },
      })
      expect(asAAuthError(missing)).toMatchObject({ code: 'invalid_signature', status: 401, cause: { a: 1 } })
      expect(await errorResponse(asAAuthError(missing)).json()).toEqual({
        error: 'invalid_signature',
        reason: 'component_not_covered',
        error_description: 'a component is missing',
        required_components: ['@method'],
      })
      const algorithm = new HttpSigError('unsupported_algorithm', 'alg', {
        reason: 'key_unacceptable',
        algs: ['Ed25519', 'ES256'],
      })
      expect(await errorResponse(asAAuthError(algorithm)).json()).toMatchObject({ algs: ['Ed25519', 'ES256'] })
      const authority = new HttpSigError('invalid_request', 'not ours', { reason: 'authority_not_served', status: 421 })
      expect(asAAuthError(authority)).toMatchObject({ code: 'invalid_request', status: 421 })
      expect(
        asAAuthError(new HttpSigError('unsupported_scheme', 'x', { reason: 'signature_key_old_spelling' })),
      ).toMatchObject({ status: 401 })
    },
  )

  test.each([new TypeError('tok3n'), 'tok3n', undefined, null, { code: 'invalid_request', status: 200 }])(
    verifies('error.server-error', 'anything else is our bug, and says nothing: %j'),
    async thrown => {
      const error = asAAuthError(thrown)
      expect(error).toMatchObject({ code: 'server_error', status: 500 })
      expect(error.cause).toBe(thrown)
      expect(await errorResponse(error).text()).not.toContain('tok3n')
    },
  )

  test(
    verifies('error.unavailable', 'an error that calls itself transient is 503, one that does not is our bug'),
    () => {
      const away = Object.assign(new Error('no connection to tok3n'), { transient: true })
      expect(asAAuthError(away)).toMatchObject({ code: 'temporarily_unavailable', status: 503, cause: away })
      expect(asAAuthError(away).message).not.toContain('tok3n')
      expect(asAAuthError(Object.assign(new Error('x'), { transient: false }))).toMatchObject({ status: 500 })
    },
  )
})

test('lines of a message that look like frames are not logged as such', () => {
  const error = new Error('first\n    at secret (hidden:1:1)\n    at more')
  const { stack, message } = errorFields(error) as { stack: string[]; message: string }
  expect(stack.join()).not.toMatch(/secret|more/)
  expect(stack[0]).toContain('error.test.ts')
  expect(message).toContain('first')
  expect(errorFields(new Error('plain'))['stack']).toHaveLength(stack.length)
})
