import type { Case } from '../case/case.js'
import { refusals } from '../case/refusal.js'
import type { Draft } from '../signing/draft.js'
import { addHeaders } from '../wire/message.js'
import type { ResourceStage } from './stage.js'
import { varied } from './variations.js'

const group = 'time'
const refusal = refusals.signature

const createdAs = (text: string) => (draft: Draft) => ({
  ...draft,
  parameters: draft.parameters.replace(/created=\d+/, text),
})

const createdBy = (seconds: number) => (draft: Draft) => ({
  ...draft,
  parameters: draft.parameters.replace(/created=(\d+)/, (_, time: string) => `created=${Number(time) + seconds}`),
})

const expiresBy = (seconds: number) => (draft: Draft) => {
  const created = Number(/created=(\d+)/.exec(draft.parameters)?.[1])
  return { ...draft, parameters: `${draft.parameters};expires=${created + seconds}` }
}

/** TIM: when a request was signed. */
export const timeCases: readonly Case<ResourceStage>[] = [
  varied({
    id: 'TIM-01',
    group,
    refusal,
    refused: [
      {
        fault: 'created is missing',
        draft: draft => ({ ...draft, parameters: draft.parameters.replace(/;created=\d+/, '') }),
      },
    ],
  }),
  varied({
    id: 'TIM-02',
    group,
    accepted: [
      // One or two seconds inside the window: the clocks tick while the request is on its way.
      { fault: 'it was signed 58 s ago', draft: createdBy(-58) },
      { fault: 'it was signed by a clock 58 s ahead', draft: createdBy(58) },
    ],
  }),
  varied({
    id: 'TIM-03',
    group,
    refusal,
    refused: [-62, 63, -3600, 3600].map(seconds => ({
      fault: `created is ${Math.abs(seconds)} s ${seconds < 0 ? 'ago' : 'ahead'}`,
      draft: createdBy(seconds),
    })),
  }),
  varied({
    id: 'TIM-04',
    group,
    refusal,
    refused: [
      { fault: 'created is a String', draft: draft => createdAs(`created="${createdOf(draft)}"`)(draft) },
      { fault: 'created has no value', draft: createdAs('created') },
      { fault: 'created is a Token', draft: createdAs('created=now') },
      { fault: 'created is a Byte Sequence', draft: createdAs('created=:MTczMDIxNzYwMA==:') },
      { fault: 'created is a Date', draft: draft => createdAs(`created=@${createdOf(draft)}`)(draft) },
      { fault: 'created is a Decimal', draft: draft => createdAs(`created=${createdOf(draft)}.0`)(draft) },
    ],
  }),
  varied({
    id: 'TIM-06',
    group,
    refusal,
    refused: [
      { fault: 'created is negative', draft: draft => createdAs(`created=-${createdOf(draft)}`)(draft) },
      { fault: 'created is 0', draft: createdAs('created=0') },
      { fault: 'created is in milliseconds', draft: draft => createdAs(`created=${createdOf(draft)}000`)(draft) },
      { fault: 'created has 16 digits', draft: createdAs('created=1234567890123456') },
      { fault: 'created is 1e10', draft: createdAs('created=1e10') },
    ],
  }),
  varied({
    id: 'TIM-08',
    group,
    accepted: [
      { fault: 'expires is 30 s ahead', draft: expiresBy(30) },
      { fault: 'expires is a day ahead', draft: expiresBy(86_400) },
    ],
    refusal,
    refused: [
      { fault: 'expires is in the past', draft: draft => expiresBy(5)(createdBy(-30)(draft)) },
      { fault: 'expires is before created', draft: expiresBy(-10) },
      {
        fault: 'both are ahead, and expires is before created',
        draft: draft => expiresBy(-10)(createdBy(30)(draft)),
      },
      {
        fault: 'expires is a String',
        draft: draft => ({ ...draft, parameters: `${draft.parameters};expires="99999999999"` }),
      },
      {
        fault: 'expires is a Decimal',
        draft: draft => ({ ...draft, parameters: `${draft.parameters};expires=9999999999.5` }),
      },
    ],
  }),
  varied({
    id: 'TIM-09',
    group,
    refusal,
    refused: [
      {
        fault: 'created is 120 s ago, and expires is an hour ahead',
        draft: draft => expiresBy(3600)(createdBy(-120)(draft)),
      },
    ],
  }),
  varied({
    id: 'TIM-10',
    group,
    accepted: [
      {
        fault: 'Date contradicts created',
        sent: request => addHeaders(request, ['Date', 'Thu, 01 Jan 1970 00:00:00 GMT']),
      },
    ],
  }),
  varied({
    id: 'sig.nonce.optional',
    group,
    accepted: [
      {
        fault: 'there is no nonce',
        draft: draft => ({ ...draft, parameters: draft.parameters.replace(/;nonce="[^"]*"/, '') }),
      },
    ],
  }),
  varied({
    id: 'NON-04',
    group,
    refusal,
    refused: ['nonce=1', 'nonce=token', 'nonce', 'nonce=:YQ==:'].map(text => ({
      fault: `the signature has ${text}`,
      draft: draft => ({ ...draft, parameters: draft.parameters.replace(/nonce="[^"]*"/, text) }),
    })),
  }),
]

function createdOf(draft: Draft): string {
  return /created=(\d+)/.exec(draft.parameters)?.[1] ?? ''
}
