import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import { signDraft } from '../signing/draft.js'
import { changeHeader, type WireRequest } from '../wire/message.js'
import { appended, besides, flipped, relabelled } from './header-changes.js'
import { draftFor, pseudonym, type ResourceStage, routeOf } from './stage.js'
import { varied } from './variations.js'

const group = 'other-members'
const refusal = refusals.signature

/** SIG: signatures of other parties beside the selected one, and what is signed on routes that need no signature. */
export const otherMembersCases: readonly Case<ResourceStage>[] = [
  varied({
    id: 'SIG-24',
    group,
    accepted: [
      { fault: 'a proxy has added a signature of its own', sent: besides('proxy', ';created=1;tag="proxy"') },
      { fault: 'a second signature has no tag', sent: besides('other', '') },
      { fault: 'a proxy has added lines of its own after them', sent: onOwnLines('after') },
      { fault: 'a proxy has added lines of its own before them', sent: onOwnLines('before') },
    ],
  }),
  varied({
    id: 'SIG-26',
    group,
    refusal,
    refused: [
      {
        fault: 'the selected signature is broken, and a valid one of the same key stands beside it',
        sent: request => {
          const valid = (field: string, value: string): string => `${field}${value.replace(/^sig=/, 'sig2=')}`
          const broken = changeHeader(request, 'signature', value =>
            valid(`sig=:${Buffer.alloc(64).toString('base64')}:, `, value),
          )
          return changeHeader(broken, 'signature-input', value => valid(`${value}, `, value))
        },
      },
    ],
  }),
  varied({
    id: 'SIG-27',
    words: 'The label of that member selects one member',
    group,
    refusal,
    refused: [
      {
        fault: 'Signature-Key was given the label of a proxy on the way',
        sent: request =>
          changeHeader(besides('proxy', ';created=1;tag="proxy"')(request), 'signature-key', relabelled('proxy')),
      },
    ],
  }),
  varied({
    id: 'SIG-30',
    group,
    accepted: ['1.5', '?1', '"text"', 'token', ':YQ==:', '(1 2)', '@1730217600'].slice(0, 6).flatMap(member => [
      {
        fault: `another member of Signature-Input is ${member}`,
        sent: appended('Signature-Input', `, other=${member}`),
      },
      { fault: `another member of Signature is ${member}`, sent: appended('Signature', `, other=${member}`) },
    ]),
  }),
  varied({
    id: 'SIG-35',
    words: 'a label or a parameter that comes twice',
    group,
    refusal,
    refused: [
      {
        fault: 'a member of a proxy has a parameter twice',
        sent: besides('proxy', ';created=1;created=2;tag="proxy"'),
      },
    ],
  }),
  varied({
    id: 'sig.headers.tag',
    group,
    refusal,
    refused: [
      {
        fault: 'the selected signature has a tag',
        draft: draft => ({ ...draft, parameters: `${draft.parameters};tag="web-bot-auth"` }),
      },
    ],
  }),
  varied({
    id: 'sig.headers.limits',
    group,
    refusal,
    accepted: [{ fault: 'both headers have 8 members', sent: manyMembers(8) }],
    refused: [
      { fault: 'both headers have 9 members', sent: manyMembers(9) },
      { fault: 'Signature-Input has 9 members', sent: manyMembers(9, 1) },
      { fault: 'Signature has 9 members', sent: manyMembers(1, 9) },
    ],
  }),
  varied({
    id: 'limits.header-status',
    words: 'A header that is longer than its limit must get 431',
    group,
    refusal: { status: 431, challenge: 'none', orClosed: true },
    refused: [
      {
        fault: 'Signature-Input has over 8 KiB',
        sent: appended('Signature-Input', `, other="${'x'.repeat(8200)}"`),
      },
      { fault: 'Signature has over 8 KiB', sent: appended('Signature', `, other="${'x'.repeat(8200)}"`) },
    ],
  }),
  {
    id: 'SIG-34',
    group,
    needs: ['anonymous'],
    async run(trial, stage) {
      const route = routeOf(stage, 'anonymous')
      const { method, target, headers, body } = draftFor(stage, route, pseudonym())
      await trial.control('the request without a signature', { method, target, headers, body })
      await trial.refused(
        'Signature-Key was lost on the way',
        () => changeHeader(signDraft(draftFor(stage, route, pseudonym())), 'signature-key', () => undefined),
        refusal,
      )
    },
  },
  {
    id: 'sig.headers.lost',
    group,
    needs: ['anonymous'],
    async run(trial, stage) {
      const route = routeOf(stage, 'anonymous')
      const { method, target, headers, body } = draftFor(stage, route, pseudonym())
      const withLines = (input: string, signature: string) => ({
        ...{ method, target, body },
        headers: [...headers, ['signature-input', input] as const, ['signature', signature] as const],
      })
      await trial.control('the request without a signature', { method, target, headers, body })
      const tagged = 'proxy=("@method");created=1;tag="proxy"'
      await trial.accepted('a proxy has signed it, by a tag of its own', withLines(tagged, 'proxy=:YWJj:'))
      await trial.accepted(
        'two proxies have signed it, each by a tag',
        withLines(`${tagged}, b=("@path");tag="b"`, 'proxy=:YWJj:, b=:YWJj:'),
      )
      for (const [title, input, signature] of [
        ['one of two signatures has no tag', `${tagged}, b=("@path")`, 'proxy=:YWJj:, b=:YWJj:'],
        ['the tag is empty', 'proxy=("@method");tag=""', 'proxy=:YWJj:'],
        ['the tag is a Token', 'proxy=("@method");tag=proxy', 'proxy=:YWJj:'],
        ['the tag is true', 'proxy=("@method");tag', 'proxy=:YWJj:'],
        ['a member of Signature has no input', tagged, 'proxy=:YWJj:, b=:YWJj:'],
        ['Signature-Input does not parse', `${tagged}, =`, 'proxy=:YWJj:'],
        ['Signature does not parse', tagged, 'proxy=:YWJj'],
      ] as const)
        await trial.refused(title, withLines(input, signature), refusal)
    },
  },
  {
    id: 'sig.headers.anonymous',
    group,
    needs: ['anonymous'],
    async run(trial, stage) {
      const route = routeOf(stage, 'anonymous')
      const draft = () => draftFor(stage, route, pseudonym())
      await trial.control('the request with a signature', () => signDraft(draft()))
      await trial.refused(
        'the signature is wrong',
        () => signDraft({ ...draft(), signature: bytes => flipped(bytes, stage) }),
        refusal,
      )
      for (const field of ['signature', 'signature-input'])
        await trial.refused(
          `${field} was lost on the way`,
          () => changeHeader(signDraft(draft()), field, () => undefined),
          refusal,
        )
    },
  },
]

/** Adds members of other parties, so that the two headers have so many. */
function manyMembers(inputs: number, signatures: number = inputs): (request: WireRequest) => WireRequest {
  const added = (count: number, member: string) => (value: string) =>
    [value, ...Array.from({ length: count - 1 }, (_, at) => `m${at}=${member}`)].join(', ')
  return request =>
    changeHeader(
      changeHeader(request, 'signature-input', added(inputs, '("@method");tag="t"')),
      'signature',
      added(signatures, ':YWJj:'),
    )
}

/** Adds the signature of a proxy on lines of its own. */
function onOwnLines(where: 'before' | 'after'): (request: WireRequest) => WireRequest {
  const lines = [
    ['signature-input', 'proxy=("@method");created=1;tag="proxy"'],
    ['signature', 'proxy=:YWJj:'],
  ] as const
  return request => ({
    ...request,
    headers: where === 'before' ? [...lines, ...request.headers] : [...request.headers, ...lines],
  })
}
