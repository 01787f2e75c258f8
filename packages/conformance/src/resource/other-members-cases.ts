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
    refused: [{ fault: 'both headers have 9 members', sent: manyMembers(9) }],
  }),
  varied({
    id: 'limits.header-status',
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
    },
  },
]

function manyMembers(count: number): (request: WireRequest) => WireRequest {
  const labels = Array.from({ length: count - 1 }, (_, at) => `m${at}`)
  return request =>
    changeHeader(
      changeHeader(
        request,
        'signature-input',
        value => `${value}${labels.map(label => `, ${label}=("@method");tag="t"`).join('')}`,
      ),
      'signature',
      value => `${value}${labels.map(label => `, ${label}=:YWJj:`).join('')}`,
    )
}
