import { verifies } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { HttpSigError, importVerifyKey, openSignature, type ReceivedMessage, verifySignature } from '../index.js'
import { isSigned } from '../internal.js'
import {
  get,
  headerOf,
  inlineKey,
  NOW,
  options,
  post,
  privateMembers,
  refused,
  send,
  verdict,
  withHeader,
  withLine,
} from '../signed-message.test.fixture.js'

const three = ['signature-input', 'signature', 'signature-key'] as const

/** The message with its own signature once more under another label. */
function withBoth(message: ReceivedMessage, label: string): ReceivedMessage {
  const again = (name: string): string => {
    const value = headerOf(message, name)
    return `${value}, ${value.replace('sig=', `${label}=`)}`
  }
  return withHeader(withHeader(message, 'signature-input', again('signature-input')), 'signature', again('signature'))
}

/** Changed messages beside the one they were made from. */
async function all(changed: readonly ReceivedMessage[], outcome = refused): Promise<void> {
  expect(await verdict(send(get))).toBe('accepted')
  for (const message of changed) expect(await verdict(message), JSON.stringify(message.headers)).toBe(outcome)
}

describe('the three headers', () => {
  test(verifies('SIG-01', 'sig.required', 'an unsigned message is refused, and recognised as unsigned'), async () => {
    const unsigned: ReceivedMessage = { method: 'GET', target: '/events', headers: get.headers }
    expect(isSigned(unsigned)).toBe(false)
    expect(isSigned(send(get))).toBe(true)
    await all([unsigned])
  })

  test(
    verifies('SIG-02', 'sig.headers.all', 'each of the three is needed, and one of them makes a message signed'),
    async () => {
      const lacking = three.map(name => withHeader(send(get), name, undefined))
      await all(lacking)
      for (const name of three) {
        const only: ReceivedMessage = { method: 'GET', target: '/', headers: [[name.toUpperCase(), 'x']] }
        expect(isSigned(only)).toBe(true)
      }
    },
  )

  test(verifies('SIG-03', 'an empty header is refused'), async () => {
    await all(three.flatMap(name => ['', ' ', '\t '].map(value => withHeader(send(get), name, value))))
  })

  test(
    verifies('SIG-04', 'sig.headers.label', 'a label that is missing in one of the headers is refused'),
    async () => {
      await all(three.map(name => withHeader(send(get), name, headerOf(send(get), name).replace('sig=', 'sig1='))))
    },
  )

  test(
    verifies('SIG-05', 'SIG-33', 'sig.headers.one-member', 'a second member of Signature-Key is refused'),
    async () => {
      const value = headerOf(send(get), 'signature-key')
      const other = value.replace('sig=', 'sig2=')
      const message = withBoth(send(get), 'sig2')
      expect(await verdict(message)).toBe('accepted')
      for (const key of [`${value}, ${other}`, `${other}, ${value}`])
        expect(await verdict(withHeader(message, 'signature-key', key))).toBe(refused)
      expect(await verdict(withLine(message, 'signature-key', other))).toBe(refused)
    },
  )

  test(verifies('SIG-08', 'sig.headers.duplicates', 'a second line of the same label is refused'), async () => {
    await all(
      three.flatMap(name => {
        const value = headerOf(send(get), name)
        return [withLine(send(get), name, value), withHeader(send(get), name, `${value}, ${value}`)]
      }),
    )
  })

  test(
    verifies('sig.headers.duplicates', 'a parameter written twice is refused, though a parser would collapse it'),
    async () => {
      await all([
        send({ ...get, parameters: `;created=${NOW};created=${NOW}` }),
        send({ ...get, parameters: `;created=1;created=${NOW}` }),
        send({ ...get, signatureKey: `${inlineKey};kty="OKP"` }),
        send({ ...get, signatureKey: `hwk;x="AA";${inlineKey.slice(4)}` }),
        send({ ...get, parameters: `;created=${NOW};keyid="a;b";keyid="a;b"` }),
        send({ ...get, components: [...get.components, '"host";a;a'] }),
      ])
    },
  )

  test(verifies('SIG-10', 'a label that is not a Structured Fields key is refused, and its case is kept'), async () => {
    const labels = ['SIG', '1sig', '-x', '', 'x'.repeat(300), 'sïg', 'si g']
    await all(labels.map(label => send({ ...get, label })))
    await all(three.map(name => withHeader(send(get), name, headerOf(send(get), name).replace('sig=', 'SIG='))))
  })

  test(verifies('SIG-11', 'any legal label is accepted'), async () => {
    for (const label of ['*a.b-c_1', 'x', 'x'.repeat(64)])
      expect(await verdict(send({ ...get, label }))).toBe('accepted')
  })

  test(verifies('SIG-16', 'sig.headers.dictionary', 'a signature must be a Byte Sequence'), async () => {
    const value = headerOf(send(get), 'signature')
    const base64 = value.slice('sig=:'.length, -1)
    await all(
      [
        value.slice(0, -1),
        `sig=:${base64.replaceAll('+', '-').replaceAll('/', '_').slice(0, -2)}-:`,
        `sig=:${base64.slice(0, 10)} ${base64.slice(10)}:`,
        `sig="${base64}"`,
        `sig=(:${base64}:)`,
        'sig',
        'sig=::',
        `sig=:${base64.slice(0, -8)}:`,
      ].map(changed => withHeader(send(get), 'signature', changed)),
    )
  })

  test(verifies('SIG-17', 'Signature-Input must be an Inner List of Strings'), async () => {
    await all(
      [
        'sig',
        'sig=token',
        'sig="text"',
        'sig=1',
        'sig=:AA==:',
        `sig=(@method);created=${NOW}`,
        `sig=(method path);created=${NOW}`,
        `sig=(1 2);created=${NOW}`,
        `sig=("@method" "@path";created=${NOW}`,
      ].map(changed => withHeader(send(get), 'signature-input', changed)),
    )
  })

  test(
    verifies('SIG-18', 'sig.headers.status', 'NUL, line breaks and bytes outside ASCII are refused with 401'),
    async () => {
      await all(
        three.flatMap(name =>
          ['\0', '\r', '\n', '\r\n', '\x80', 'é', 'Ã©', '\x7f', '\t'].map(text => {
            const value = headerOf(send(get), name)
            return withHeader(send(get), name, `${value.slice(0, 20)}${text}${value.slice(20)}`)
          }),
        ),
      )
    },
  )

  test(verifies('SIG-21', 'an underscore is not a hyphen'), async () => {
    expect(await verdict(withLine(send(get), 'Signature_Key', 'sig=hwk'))).toBe('accepted')
    const value = headerOf(send(get), 'signature-key')
    await all([withLine(withHeader(send(get), 'signature-key', undefined), 'signature_key', value)])
  })

  test('whitespace around a value is not part of it', async () => {
    const message = send(get)
    for (const name of three)
      expect(await verdict(withHeader(message, name, `\t ${headerOf(message, name)} \t`))).toBe('accepted')
  })
})

describe('the refusal', () => {
  function refusal(message: ReceivedMessage): HttpSigError {
    try {
      openSignature(message, { ...options, requiredComponents: ['x-a', 'x-b', '@query', 'content-type', '@scheme'] })
    } catch (error) {
      if (error instanceof HttpSigError) return error
    }
    throw new Error('not refused')
  }

  test('names every component that the request must cover', () => {
    expect(refusal(send({ ...get, components: [] })).required_components).toEqual([
      '@method',
      '@authority',
      '@path',
      'signature-key',
      '@scheme',
    ])
    const full = { ...post(), target: '/events?a', headers: [...post().headers, ['X-A', '1']] as const }
    expect(refusal(send(full)).required_components).toEqual([
      '@method',
      '@authority',
      '@path',
      '@query',
      'content-type',
      'content-digest',
      'signature-key',
      'x-a',
      '@scheme',
    ])
  })

  test('has nothing in it that the peer sent', () => {
    const error = refusal(send({ ...get, components: ['"x-hostile-name"'] }))
    expect(error.message).not.toContain('hostile')
  })

  test('names the required components when the signature is wrong, too', async () => {
    const opened = openSignature(send(get), options)
    const key = await importVerifyKey({ kty: 'OKP', crv: 'Ed25519', alg: 'Ed25519', x: privateMembers.x })
    await expect(verifySignature(opened, key)).resolves.toBeUndefined()
    await expect(verifySignature({ ...opened, base: `${opened.base} ` }, key)).rejects.toMatchObject({
      code: 'invalid_signature',
      status: 401,
      required_components: ['@method', '@authority', '@path', 'signature-key'],
    })
  })
})

describe('parameters', () => {
  test(verifies('sig.parameters.kept', 'COV-42', 'stay in the base, known or not'), async () => {
    const draft = { ...get, parameters: `;created=${NOW};alg="ed25519";x=1.5;flag;y=?0;keyid="a\\"b"` }
    expect(await verdict(send(draft))).toBe('accepted')
    const message = send(draft)
    const input = headerOf(message, 'signature-input')
    for (const changed of [
      input.replace(';alg="ed25519"', ''),
      input.replace('1.5', '1.51'),
      `${input};z`,
      input.replace(';flag', ';flag=?0'),
      input.replace('ed25519', 'Ed25519'),
    ])
      expect(await verdict(withHeader(message, 'signature-input', changed))).toBe(refused)
  })

  test(verifies('sig.parameters.kept', 'legal spacing and spelling do not change the base'), async () => {
    const message = send({ ...get, parameters: `;created=${NOW};x=1.5;flag;y=?0` })
    expect(await verdict(message)).toBe('accepted')
    const input = headerOf(message, 'signature-input')
    for (const sent of [
      input.replace('(', '(  ').replace(')', ' )'),
      input.replace('" "', '"   "'),
      input.replaceAll(';', ';  '),
      input.replace('1.5', '1.50').replace(';flag', ';flag=?1'),
      input.replace(`${NOW}`, `0${NOW}`),
    ]) {
      expect(sent).not.toBe(input)
      expect(await verdict(withHeader(message, 'signature-input', sent)), sent).toBe('accepted')
    }
    const signedAsSent = send({ ...get, parameters: `; created=${NOW}` })
    expect(await verdict(signedAsSent)).toBe(refused)
  })

  test(
    verifies('KEY-03', 'sig.parameters.alg', 'sig.alg.from-key', 'an alg that contradicts the key is refused'),
    async () => {
      for (const alg of ['ed25519', 'Ed25519'])
        expect(await verdict(send({ ...get, parameters: `;created=${NOW};alg="${alg}"` }))).toBe('accepted')
      for (const alg of ['ES256', 'ecdsa-p256-sha256', 'ES384', 'ecdsa-p384-sha384', 'PS512', 'rsa-pss-sha512'])
        expect(await verdict(send({ ...get, parameters: `;created=${NOW};alg="${alg}"` }))).toBe(refused)
    },
  )

  test(
    verifies(
      'KEY-04',
      'KEY-05',
      'sig.alg.refused',
      'sig.alg.names',
      'an algorithm that is not on the list is refused, and the error says which are',
    ),
    async () => {
      for (const alg of [
        'hmac-sha256',
        'rsa-v1_5-sha1',
        'hs2019',
        'rsa-sha256',
        'ED25519',
        'foo',
        '',
        'none',
        'EdDSA',
      ]) {
        const message = send({ ...get, parameters: `;created=${NOW};alg="${alg}"` })
        expect(await verdict(message), alg).toBe('401 unsupported_algorithm')
        expect(() => openSignature(message, options)).toThrow(
          expect.objectContaining({ algs: ['Ed25519', 'ES256', 'ES384', 'PS512'] }),
        )
      }
      for (const alg of ['ed25519', ':AA==:', '1', '?1'])
        expect(await verdict(send({ ...get, parameters: `;created=${NOW};alg=${alg}` }))).toBe(refused)
    },
  )

  test(verifies('NON-03', 'NON-04', 'sig.nonce.optional', 'a nonce is optional, a String, and signed'), async () => {
    const withNonce = send({ ...get, parameters: `;created=${NOW};nonce="abcdefgh"` })
    expect(await verdict(withNonce)).toBe('accepted')
    expect(openSignature(withNonce, options).nonce).toBe('abcdefgh')
    expect(openSignature(send(get), options).nonce).toBeUndefined()
    for (const nonce of ['abc', '1', ':YWJj:', '?1'])
      expect(await verdict(send({ ...get, parameters: `;created=${NOW};nonce=${nonce}` }))).toBe(refused)
    expect(await verdict(send({ ...get, parameters: `;created=${NOW};nonce` }))).toBe(refused)
    const input = headerOf(withNonce, 'signature-input')
    for (const changed of [input.replace('abcdefgh', 'abcdefgi'), input.replace(';nonce="abcdefgh"', '')])
      expect(await verdict(withHeader(withNonce, 'signature-input', changed))).toBe(refused)
  })
})
