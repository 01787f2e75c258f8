import { generateSigningKey } from '@countersign/httpsig'
import { expect, test } from 'vitest'
import { auditOrigin, checkpointSigner, parseCheckpoint, verifyCheckpoint } from '../index.js'
import { parseNote, serializeSignature } from './note.js'
import { parseVerifierKey, serializeVerifierKey, signatureOf } from './verifier-key.js'

/** The example of golang.org/x/mod/sumdb/note. */
const golang = {
  key: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  note:
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
    '\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
}

/** The example of c2sp.org/tlog-checkpoint. */
const example =
  'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' +
  '\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n'

test('the note of the Go library verifies with its key, and not with a word changed', () => {
  const key = parseVerifierKey(golang.key)
  const { text, signatures } = parseNote(golang.note)
  const signature = signatureOf(signatures, key)
  expect(key.name).toBe('PeterNeumann')
  expect(signature && key.verifies(text, signature.bytes)).toBe(true)
  expect(signature && key.verifies(text.replace('answer', 'Answer'), signature.bytes)).toBe(false)
  expect(signature && text + '\n' + serializeSignature(signature)).toBe(golang.note)
})

test('the key of the Go checksum database has its known form', () => {
  const vkey = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'
  expect(parseVerifierKey(vkey)).toMatchObject({ name: 'sum.golang.org', keyId: 0x033de0ae, type: 'ed25519' })
  const raw = Buffer.from('Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8', 'base64').subarray(1)
  expect(serializeVerifierKey('sum.golang.org', 1, raw)).toBe(vkey)
})

test.each([
  ['another key id', golang.key.replace('c74f20a3', 'c74f20a4')],
  ['another name', golang.key.replace('Peter', 'Paul')],
  ['another type', golang.key.replace('+AR', '+CR')],
  ['fewer bytes', golang.key.slice(0, -4)],
  ['a space', ` ${golang.key}`],
  ['nothing', ''],
])('a key with %s is refused', (_, key) => {
  expect(() => parseVerifierKey(key)).toThrow(expect.objectContaining({ code: 'malformed' }))
  expect(parseVerifierKey(golang.key).type).toBe('ed25519')
})

test('the checkpoint of C2SP is read', () => {
  const { origin, size, root } = parseCheckpoint(example)
  expect([origin, size]).toEqual(['example.com/behind-the-sofa', 20_852_163])
  expect(Buffer.from(root).toString('base64')).toBe('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=')
})

test.each([
  ['a zero before its size', example.replace('20852163', '020852163')],
  ['a size that no number holds', example.replace('20852163', '9999999999999999')],
  ['a negative size', example.replace('20852163', '-1')],
  ['a short root', example.replace('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'CsUYapGGPo4=')],
  ['another spelling of its root', example.replace('q2I=\n', 'q2J=\n')],
  ['a line more', example.replace('q2I=\n', 'q2I=\nmore\n')],
  ['no origin', example.replace('example.com/behind-the-sofa\n2', '\n2')],
  ['no signature', example.slice(0, example.indexOf('\u2014'))],
  ['no blank line', example.replace('\n\n', '\n')],
  ['a carriage return', example.replaceAll('\n', '\r\n')],
  ['no last newline', example.slice(0, -1)],
  ['a hyphen in place of the dash', example.replace('\u2014', '-')],
  ['two spaces in a signature', example.replace('sofa A', 'sofa  A')],
  ['too many signatures', example + '\u2014 a AAAAAAA=\n'.repeat(64)],
  ['a length beyond the limit', `${'x'.repeat(20_000)}${example}`],
])('a checkpoint with %s is refused', (_, note) => {
  expect(() => parseCheckpoint(note)).toThrow(expect.objectContaining({ code: 'malformed' }))
})

test('a checkpoint is signed, and refused from another log, under another key, or changed', async () => {
  const signer = checkpointSigner({ origin: 'auth.example', key: await generateSigningKey() })
  const note = await signer.sign({ size: 3, root: Buffer.alloc(32, 7) })
  expect(verifyCheckpoint(note, signer.publicKey)).toEqual({
    origin: 'auth.example',
    size: 3,
    root: Buffer.alloc(32, 7),
  })
  const code = (expected: string) => expect.objectContaining({ code: expected })
  expect(() => verifyCheckpoint(note.replace('\n3\n', '\n4\n'), signer.publicKey)).toThrow(code('signature'))
  const other = checkpointSigner({ origin: 'auth.example', key: await generateSigningKey() })
  expect(() => verifyCheckpoint(note, other.publicKey)).toThrow(code('signature'))
  const elsewhere = checkpointSigner({ origin: 'other.example', key: await generateSigningKey() })
  expect(() => verifyCheckpoint(note, elsewhere.publicKey)).toThrow(code('origin'))
  // Signatures of others are passed over, as a witness adds them.
  const more = `${note}\u2014 witness.example AAAAAAAAAAA=\n`
  expect(verifyCheckpoint(more, signer.publicKey).size).toBe(3)
})

test('a signer takes Ed25519 keys and names without spaces or plus only', async () => {
  const key = await generateSigningKey()
  expect(checkpointSigner({ origin: 'auth.example:4120/log', key }).origin).toBe('auth.example:4120/log')
  const es256 = await generateSigningKey('ES256')
  expect(() => checkpointSigner({ origin: 'a.example', key: es256 })).toThrow('Ed25519')
  for (const origin of ['', 'a b', 'a+b', 'a\u00a0b'])
    expect(() => checkpointSigner({ origin, key })).toThrow(TypeError)
})

test('a remote key that answers with another signature signs nothing', async () => {
  const key = await generateSigningKey()
  const signer = checkpointSigner({ origin: 'a.example', key: { ...key, sign: () => key.sign(Buffer.from('else')) } })
  await expect(signer.sign({ size: 1, root: Buffer.alloc(32) })).rejects.toThrow('does not verify')
})

test('the origin is the identifier without its scheme', () => {
  expect(auditOrigin('https://auth.example')).toBe('auth.example')
  expect(auditOrigin('http://localhost:4120/')).toBe('localhost:4120')
  expect(auditOrigin('https://example.com/auth')).toBe('example.com/auth')
  for (const wrong of ['auth.example', 'ftp://a.example', 'https://', 'https://a b'])
    expect(() => auditOrigin(wrong)).toThrow(TypeError)
})
