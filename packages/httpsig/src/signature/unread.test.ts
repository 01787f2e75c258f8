import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import {
  importVerifyKey,
  type OpenedSignature,
  type OpenOptions,
  openSignature,
  type ReceivedMessage,
  verifySignature,
} from '../index.js'
import { checkCovers, checkFirstByte, proveSignature, verifyBody } from '../internal.js'
import {
  type Draft,
  get,
  NOW,
  options,
  post,
  privateMembers,
  send,
  withHeader,
  withLine,
} from '../signed-message.test.fixture.js'

const key = await importVerifyKey({ kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: privateMembers.x })

const base = ['@method', '@authority', '@path'] as const
const withoutBody = [...base, 'signature-key']
const withBody = [...base, 'content-type', 'content-digest', 'signature-key']

/** How a body was read. */
type Read = 'hasByte' | 'bytes'

/** The message with its body still unread, and how it was read since. */
function unread({ body, ...head }: ReceivedMessage, atEnd: () => void = () => undefined) {
  const reads: Read[] = []
  const message: ReceivedMessage = {
    ...head,
    unread: {
      async bytes() {
        reads.push('bytes')
        atEnd()
        return body?.length === 0 ? undefined : body
      },
      async hasByte() {
        reads.push('hasByte')
        return body !== undefined && body.length > 0
      },
    },
  }
  return { message, reads }
}

const facts = ({ reason, status, required_components }: Record<string, unknown>) => ({
  reason,
  status,
  required_components,
})

/** `accepted`, or the facts of the refusal. */
async function outcomeOf(message: ReceivedMessage, change: Partial<OpenOptions> = {}): Promise<unknown> {
  try {
    await verifySignature(openSignature(message, { ...options, ...change }), key)
    return 'accepted'
  } catch (error) {
    return facts(error as Record<string, unknown>)
  }
}

const opened = (message: ReceivedMessage, change: Partial<OpenOptions> = {}): OpenedSignature =>
  openSignature(message, { ...options, ...change })

/** A POST whose signature covers no digest. */
const bare = (body?: string): ReceivedMessage =>
  send({ ...get, method: 'POST', ...(body === undefined ? {} : { body }) })

const other = new TextEncoder().encode('{"title":"dinner"}')

describe('verifySignature of a message whose body is unread', () => {
  test(
    verifies('sig.digest.match', 'reads the body, and compares it with its digest once the signature has verified'),
    async () => {
      const right = unread(send(post()))
      const it = opened(right.message)
      expect([it.digest?.sha256?.length, it.refusedByte, it.required]).toEqual([32, undefined, withBody])
      await proveSignature(it, key)
      expect(right.reads).toEqual([])
      await verifySignature(it, key)
      expect(right.reads).toEqual(['bytes'])
      const wrong = unread({ ...send(post()), body: other })
      expect(await outcomeOf(wrong.message)).toEqual({
        reason: 'digest_wrong',
        status: 401,
        required_components: withBody,
      })
      const forged = unread({ ...withHeader(send(post()), 'content-type', 'text/plain'), body: other })
      expect(await outcomeOf(forged.message)).toMatchObject({ reason: 'signature_wrong' })
      expect(forged.reads).toEqual([])
    },
  )

  test(
    verifies('DIG-12', 'COV-46', 'sig.body.uncovered', 'refuses the first byte that the signature does not cover'),
    async () => {
      const uncovered = { reason: 'component_not_covered', status: 401, required_components: withBody }
      const digested = withLine(bare('x'), 'Content-Digest', 'sha-256=:LRpf9c3JQJjpGyhrV9dpsPMa3k1d1BpVfyBqA2bMJ2o=:')
      for (const message of [bare('x'), digested]) {
        const { message: waiting, reads } = unread(message)
        expect(facts(opened(waiting).refusedByte as Record<string, unknown>)).toEqual(uncovered)
        await expect(checkFirstByte(opened(waiting))).rejects.toMatchObject(uncovered)
        expect(await outcomeOf(waiting)).toEqual(uncovered)
        expect(reads).toEqual(['hasByte', 'hasByte'])
        expect(await outcomeOf(message)).toEqual(uncovered)
      }
    },
  )

  test(verifies('DIG-14', 'accepts one without a byte where no digest is covered, and only there'), async () => {
    for (const body of ['', undefined]) {
      const { message } = unread(bare(body))
      expect(opened(message)).toMatchObject({ required: withoutBody, refusedByte: { reason: 'component_not_covered' } })
      expect(await outcomeOf(message)).toBe('accepted')
      const covered = { ...send(post()), body: new TextEncoder().encode(body) }
      const missing = { reason: 'body_missing', status: 401, required_components: withoutBody }
      expect(await outcomeOf(unread(covered).message)).toEqual(missing)
      expect(await outcomeOf(covered)).toEqual(missing)
    }
  })

  test('never takes bytes for none, though their reader says that there is no first one', async () => {
    const { message } = unread(bare('x'))
    const lying = { ...message, unread: { ...message.unread, hasByte: async () => false } } as ReceivedMessage
    expect(await outcomeOf(lying)).toMatchObject({ reason: 'digest_wrong' })
  })

  test('passes on the refusal of a body that cannot be read', async () => {
    const { message } = unread(send(post()), () => {
      throw new Error('cut off')
    })
    await expect(verifySignature(opened(message), key)).rejects.toThrow('cut off')
  })
})

describe(
  verifies('sig.body.head-first', 'DIG-21', 'what the head alone refuses is refused before a byte is read'),
  () => {
    const digest = (value: string): ReceivedMessage => {
      const draft = post()
      const headers = draft.headers.map(([name, sent]) => [name, name === 'Content-Digest' ? value : sent] as const)
      return send({ ...draft, headers })
    }
    const changed = (change: Partial<Draft>): ReceivedMessage => send({ ...post(), ...change })
    const faults: Readonly<Record<string, ReceivedMessage>> = {
      created_too_old: changed({ parameters: `;created=${NOW - 61}` }),
      created_in_future: changed({ parameters: `;created=${NOW + 61}` }),
      created_missing: changed({ parameters: '' }),
      signature_expired: changed({ parameters: `;created=${NOW - 2};expires=${NOW - 1}` }),
      signature_tagged: changed({ parameters: `;created=${NOW};tag="a"` }),
      target_malformed: changed({ target: '/a/../b' }),
      authority_ambiguous: withLine(send(post()), 'Host', 'calendar.example'),
      component_not_covered: changed({ target: '/events?a=b' }),
      query_missing: changed({ components: [...post().components, '"@query"'] }),
      signature_header_missing: withHeader(send(post()), 'signature', undefined),
      signature_key_malformed: changed({ signatureKey: '"hwk"' }),
      digest_malformed: digest('sha-256=abc'),
      digest_unsupported: digest('md5=:AAAA:'),
      signature_wrong: { ...send(post()), target: '/other' },
    }

    test.each(Object.entries(faults))('%s, as for the message with its body', async (reason, message) => {
      const { message: waiting, reads } = unread(message)
      const outcome = await outcomeOf(waiting)
      expect(outcome).toMatchObject({ reason })
      expect(reads).toEqual([])
      expect(outcome).toEqual(await outcomeOf(message))
    })

    test('a covered digest that is not there, too', async () => {
      const { message, reads } = unread(withHeader(send(post()), 'content-digest', undefined))
      expect(await outcomeOf(message)).toEqual({
        reason: 'body_missing',
        status: 401,
        required_components: withoutBody,
      })
      expect(reads).toEqual([])
    })

    test('and the message without a fault is accepted', async () => {
      expect(await outcomeOf(unread(send(post())).message)).toBe('accepted')
    })
  },
)

describe('verifyBody', () => {
  test('returns the message with its body, once it is the one that was signed', async () => {
    const { message } = unread(send(post()))
    const whole = await verifyBody(opened(message))
    expect(new TextDecoder().decode(whole.message.body)).toBe('{"title":"lunch"}')
    expect('unread' in whole.message).toBe(false)
    expect(await verifyBody(whole)).toBe(whole)
    const changedBody = { ...whole, message: { ...whole.message, body: other } }
    await expect(verifyBody(changedBody)).rejects.toMatchObject({ reason: 'digest_wrong' })
    await expect(verifyBody(opened({ ...send(post()), body: other }))).rejects.toMatchObject({ reason: 'digest_wrong' })
  })

  test.each([
    [`;created=${NOW}`, 60, 'accepted'],
    [`;created=${NOW}`, 61, 'created_too_old'],
    [`;created=${NOW};expires=${NOW + 5}`, 5, 'accepted'],
    [`;created=${NOW};expires=${NOW + 5}`, 6, 'signature_expired'],
  ])(
    verifies('sig.created.judged', 'judges the time at the last byte: %s is read for %i s: %s'),
    async (parameters, seconds, expected) => {
      for (const draft of [post(), { ...get, method: 'POST' }]) {
        let now = NOW
        const { message } = unread(send({ ...draft, parameters }), () => {
          now += seconds
        })
        const outcome = await outcomeOf(message, { now: () => now })
        const required_components = draft.body === undefined ? withoutBody : withBody
        expect(outcome).toEqual(
          expected === 'accepted' ? expected : { reason: expected, status: 401, required_components },
        )
      }
    },
  )
})

describe('checkCovers', () => {
  const draft = post()
  const tooled = (components: readonly string[]): ReceivedMessage =>
    send({
      ...draft,
      headers: [...draft.headers, ['X-Tool', 'pay']],
      components: [...draft.components, ...components],
    })
  const missing = { reason: 'component_not_covered', status: 401, required_components: [...withBody, 'x-tool'] }

  test(verifies('sig.covered.always', 'refuses a signature that leaves out what a route demands besides'), () => {
    for (const of of [(message: ReceivedMessage) => message, (message: ReceivedMessage) => unread(message).message]) {
      expect(() => checkCovers(opened(of(tooled(['"x-tool"']))), ['x-tool'])).not.toThrow()
      expect(() => checkCovers(opened(of(tooled([]))), ['x-tool'])).toThrow(expect.objectContaining(missing))
    }
  })

  test('a component with parameters is not the plain one', () => {
    const binary = send({
      ...get,
      components: ['"@method"', '"@authority"', '"@path"', '"signature-key"', '"x-tool";bs'],
      headers: [...get.headers, ['X-Tool', 'pay']],
      values: { '"x-tool";bs': `:${btoa('pay')}:` },
    })
    expect(() => checkCovers(opened(binary), ['x-tool'])).toThrow(
      expect.objectContaining({ reason: 'component_not_covered' }),
    )
  })

  test('demands a field only of a request that has it, and a digest only of one with a body', () => {
    expect(() => checkCovers(opened(send(draft)), ['x-tool'])).not.toThrow()
    expect(() => checkCovers(opened(send(get)), ['content-digest'])).not.toThrow()
    expect(() => checkCovers(opened(unread(bare()).message), [])).not.toThrow()
    expect(() => checkCovers(opened(unread(send(draft)).message), [])).not.toThrow()
    expect(() => checkCovers(opened({ ...send(draft), dangerouslyUnseenBody: true }), [])).not.toThrow()
    expect(() => checkCovers(opened(send(draft)), ['@target-uri'])).toThrow(/: @target-uri/)
  })
})
