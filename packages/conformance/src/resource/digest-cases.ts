import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { type Draft, digestMember, requiredComponents, signDraft } from '../signing/draft.js'
import { changeHeader } from '../wire/message.js'
import { callerFor, draftFor, lowestRoute, type ResourceStage } from './stage.js'
import { varied } from './variations.js'

const group = 'digest'
const refusal = refusals.signature
const needs = ['write']
const route = (stage: ResourceStage) => lowestRoute(stage, 'POST')
const other = Buffer.from('{"other":1}')

const withDigest = (fault: string, digest: string | ((draft: Draft) => string)) => ({
  fault,
  draft: (draft: Draft) => ({ ...draft, digest: typeof digest === 'string' ? digest : digest(draft) }),
})

const uncovered = (draft: Draft): Draft => ({
  ...draft,
  components: requiredComponents(draft).filter(one => one !== '"content-digest"'),
})

/** DIG: bodies and their digests. */
export const digestCases: readonly Case<ResourceStage>[] = [
  varied({
    id: 'DIG-01',
    words: 'must match the body bytes',
    group,
    needs,
    route,
    refusal,
    refused: [
      withDigest('the digest is that of other bytes', digestMember(other)),
      withDigest('sha-256 is right and sha-512 is wrong', draft =>
        [digestMember(draft.body), digestMember(other, 'sha-512')].join(', '),
      ),
    ],
  }),
  varied({
    id: 'sig.digest.match',
    words: 'A digest that comes twice must be refused',
    group,
    needs,
    route,
    refusal,
    refused: [
      withDigest('sha-256 stands twice, both right', draft =>
        [digestMember(draft.body), digestMember(draft.body)].join(', '),
      ),
      withDigest('sha-256 stands twice, first wrong', draft =>
        [digestMember(other), digestMember(draft.body)].join(', '),
      ),
      withDigest('sha-256 stands twice, first right', draft =>
        [digestMember(draft.body), digestMember(other)].join(', '),
      ),
    ],
  }),
  varied({
    id: 'sig.digest.algorithms',
    words: 'At least one known digest must be there',
    group,
    needs,
    route,
    refusal,
    refused: [
      withDigest('the digest is followed by a character that is not ASCII', draft => `${digestMember(draft.body)}\xe9`),
    ],
  }),
  varied({
    id: 'DIG-02',
    words: 'must match the body bytes',
    group,
    needs,
    route,
    refusal,
    refused: [
      { fault: 'the body was replaced on the way', sent: request => ({ ...request, body: other }) },
      {
        fault: 'a byte was added to the body on the way',
        sent: request => ({ ...request, body: Buffer.concat([request.body, Buffer.from(' ')]) }),
      },
      { fault: 'the body was taken out on the way', sent: request => ({ ...request, body: Buffer.alloc(0) }) },
    ],
  }),
  varied({
    id: 'DIG-03',
    words: 'exactly when there are body bytes',
    group,
    needs,
    route,
    refusal,
    refused: [
      { fault: 'Content-Digest is covered and is not there', draft: draft => ({ ...draft, digest: null }) },
      { fault: 'Content-Digest is there and is not covered', draft: uncovered },
      {
        fault: 'Content-Digest is neither there nor covered',
        draft: draft => ({ ...uncovered(draft), digest: null }),
      },
    ],
  }),
  varied({
    id: 'DIG-04',
    words: 'At least one known digest must be there',
    group,
    needs,
    route,
    refusal,
    refused: ['md5', 'sha', 'unixsum', 'crc32c', 'foo'].map(name =>
      withDigest(`the one digest is ${name}`, `${name}=:YWJjZGVmZ2hpamtsbW5vcA==:`),
    ),
  }),
  varied({
    id: 'DIG-05',
    words: 'must read sha-256 and sha-512',
    group,
    needs,
    route,
    accepted: [
      withDigest('the one digest is sha-512', draft => digestMember(draft.body, 'sha-512')),
      withDigest('an unknown digest stands beside sha-256', draft => `${digestMember(draft.body)}, foo=:YWJj:`),
    ],
  }),
  varied({
    id: 'DIG-08',
    words: 'At least one known digest must be there',
    group,
    needs,
    route,
    refusal,
    refused: [
      withDigest('the digest is a String', draft => digestMember(draft.body).replace(/:(.*):/, '"$1"')),
      withDigest(
        'the digest is in hexadecimal',
        draft => `sha-256=${Buffer.from(digestMember(draft.body).slice(9, -1), 'base64').toString('hex')}`,
      ),
      withDigest('the digest has 16 bytes', draft => digestMember(draft.body).replace(/:(.{22}).*/, ':$1==:')),
      withDigest('the digest is empty', 'sha-256=::'),
      withDigest('Content-Digest is no Dictionary', '=:'),
    ],
  }),
  varied({
    id: 'DIG-09',
    words: 'exactly when there are body bytes',
    group,
    needs,
    route,
    refusal,
    refused: ['Repr-Digest', 'Digest'].map(name => ({
      fault: `${name} stands for Content-Digest`,
      draft: draft => ({
        ...draft,
        digest: null,
        headers: [...draft.headers, [name, digestMember(draft.body)] as const],
        components: requiredComponents(draft).map(one =>
          one === '"content-digest"' ? `"${name.toLowerCase()}"` : one,
        ),
      }),
    })),
  }),
  varied({
    id: 'DIG-12',
    words: 'however framed',
    group,
    needs,
    route,
    accepted: [{ fault: 'the body is chunked', draft: draft => ({ ...draft, framing: 'chunked' }) }],
    refusal,
    refused: [
      {
        fault: 'the body is chunked, and content-digest is not covered',
        draft: draft => ({ ...uncovered(draft), framing: 'chunked' }),
      },
    ],
  }),
  varied({
    id: 'DIG-13',
    words: 'Bytes decide whether there is a body',
    group,
    refusal: { status: [400, 401] },
    refused: [
      { fault: 'a body was added to GET on the way', sent: request => ({ ...request, body: other }) },
      {
        fault: 'a chunked body was added to GET on the way',
        sent: request => ({ ...request, body: other, framing: 'chunked' }),
      },
    ],
  }),
  {
    id: 'DIG-14',
    words: 'Bytes decide whether there is a body',
    group,
    needs,
    async run(trial, stage) {
      const post = route(stage)
      const draft = () => draftFor(stage, post, callerFor(stage, post))
      await trial.control('the request with its body', () => signDraft(draft()))
      const { response } = await trial.sent('the request has no body', () =>
        signDraft({ ...draft(), body: Buffer.alloc(0), headers: [['host', stage.authority]] }),
      )
      const status = response?.status ?? 0
      trial.holds(
        'without a body, the signature needs no more than the base components',
        status !== 401 && status > 0,
        `the status is ${status}`,
      )
    },
  },
  varied({
    id: 'DIG-15',
    group,
    needs,
    route,
    refusal: { status: [400, 411, 413], orClosed: true },
    refused: [
      {
        fault: 'there are two different Content-Length',
        draft: draft => ({ ...draft, headers: [...draft.headers, ['content-length', '3']] }),
      },
      {
        fault: 'Content-Length is no number',
        draft: draft => ({ ...draft, framing: 'none', headers: [...draft.headers, ['content-length', '+3']] }),
      },
    ],
  }),
  varied({
    id: 'DIG-17',
    words: 'must match the body bytes',
    group,
    needs: ['write', 'json'],
    route,
    accepted: [
      {
        fault: 'the JSON body has line breaks and spaces',
        draft: draft => ({ ...draft, body: Buffer.from(`\r\n  ${Buffer.from(draft.body).toString()} \r\n`) }),
      },
    ],
  }),
  varied({
    id: 'sig.body.content-type',
    group,
    needs,
    route,
    refusal,
    refused: [
      {
        fault: 'the body has no Content-Type',
        draft: draft => ({
          ...draft,
          headers: draft.headers.filter(([name]) => name !== 'content-type'),
          components: requiredComponents(draft).filter(one => one !== '"content-type"'),
        }),
      },
    ],
  }),
  varied({
    id: 'DIG-19',
    words: 'must answer 431 to a header block',
    group,
    needs,
    route,
    refusal: { status: [400, 401, 431], orClosed: true },
    refused: [
      {
        fault: 'a body is framed by a header line after 2500 others, and no digest is covered',
        sent: request => {
          const bare = changeHeader(request, 'content-digest', () => undefined)
          const many = Array.from({ length: 2500 }, (): [string, string] => ['x', '1'])
          return { ...bare, headers: [...bare.headers, ...many] }
        },
      },
    ],
  }),
]
