/** @jsxImportSource hono/jsx */
import { explainCondition } from '@countersign/conditions'
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import { messagesOf } from './language.js'
import { isLimited, type LimitsView, offersAny } from './limits-view.js'
import type { Look } from './look.js'

const longest = 200

interface Shown {
  readonly limits: LimitsView
  readonly look: Look
}

/** Conditions that hold anyway, in words, by who set them. */
export function GivenLimits({ limits, look }: Shown): JSX.Element | null {
  const texts = messagesOf(look).limits
  const lines = limits.given.flatMap(({ by, conditions }) => conditions.map(condition => ({ by, condition })))
  if (lines.length === 0) return null
  return (
    <section class="given" aria-labelledby="given">
      <h2 id="given">{texts.given}</h2>
      <ul>
        {lines.map(({ by, condition }) => (
          <li>
            <bdi>
              {explainCondition(condition, { language: look.language, words: limits.words, zone: limits.chosen.zone })}
            </bdi>
            <small>{texts.by[by]}</small>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** The limits that a user can set, folded away until they want any. */
export function Limits({ limits, look, isOpen = false }: Shown & { readonly isOpen?: boolean }): JSX.Element | null {
  const texts = messagesOf(look).limits
  if (!offersAny(limits.offered)) return null
  return (
    <details class="limits" open={isOpen || isLimited(limits.chosen)}>
      <summary>
        {texts.title} <small>{texts.optional}</small>
      </summary>
      <LimitFields limits={limits} look={look} />
    </details>
  )
}

/** The fields of a form that sets limits. */
export function LimitFields({ limits, look }: Shown): JSX.Element {
  return (
    <>
      <Durations limits={limits} look={look} />
      <Hours limits={limits} look={look} />
      <Calls limits={limits} look={look} />
      <Views limits={limits} look={look} />
      <AskEachTime limits={limits} look={look} />
    </>
  )
}

function Durations({ limits: { offered, chosen }, look }: Shown): JSX.Element | null {
  const texts = messagesOf(look).limits
  if (offered.durations.length === 0) return null
  return (
    <fieldset>
      <legend>{texts.howLong}</legend>
      {offered.durations.map(each => (
        <label class="check">
          <input type="radio" name="duration" value={each} checked={chosen.duration === each} />
          <span>
            {texts.durations[each]}
            {each === 'once' ? <small>{texts.onceMeans}</small> : null}
          </span>
        </label>
      ))}
    </fieldset>
  )
}

function Hours({ limits: { offered, chosen }, look }: Shown): JSX.Element | null {
  const texts = messagesOf(look).limits
  if (offered.zones.length === 0) return null
  return (
    <fieldset>
      <legend>{texts.hours}</legend>
      <div class="days">
        {Object.values(texts.days).map((name, index) => (
          <label>
            <input type="checkbox" name={`day:${index + 1}`} value="on" checked={chosen.days.includes(index + 1)} />
            <span>{name}</span>
          </label>
        ))}
      </div>
      <div class="times">
        <label class="labelled">
          {texts.from}
          <input class="text" type="time" name="from" value={chosen.from} />
        </label>
        <label class="labelled">
          {texts.to}
          <input class="text" type="time" name="to" value={chosen.to} />
        </label>
        <label class="labelled zone">
          {texts.zone}
          <select class="text" name="zone">
            {offered.zones.map(zone => (
              <option value={zone} selected={zone === chosen.zone}>
                {zone.replaceAll('_', ' ')}
              </option>
            ))}
          </select>
        </label>
      </div>
      <small>{texts.hoursMean}</small>
    </fieldset>
  )
}

function Calls({ limits: { offered, chosen }, look }: Shown): JSX.Element | null {
  const texts = messagesOf(look).limits
  if (!offered.calls) return null
  return (
    <label class="labelled">
      {texts.calls}
      <small>{texts.callsMean}</small>
      <input
        class="text number"
        type="number"
        name="calls"
        min="1"
        max="1000000"
        inputmode="numeric"
        value={chosen.calls}
      />
    </label>
  )
}

function Views({ limits: { offered, chosen }, look }: Shown): JSX.Element | null {
  const texts = messagesOf(look).limits
  if (offered.views.length === 0) return null
  return (
    <fieldset>
      <legend>{texts.view}</legend>
      {[{ name: '', description: texts.viewAll }, ...offered.views].map(({ name, description }) => (
        <label class="check">
          <input type="radio" name="view" value={name} checked={chosen.view === name} />
          <bdi>{claimedText(description, longest)}</bdi>
        </label>
      ))}
    </fieldset>
  )
}

function AskEachTime({ limits: { offered, chosen }, look }: Shown): JSX.Element | null {
  const texts = messagesOf(look).limits
  if (offered.operations.length === 0) return null
  return (
    <fieldset>
      <legend>{texts.ask}</legend>
      {offered.operations.map(({ name, description }) => (
        <label class="check">
          <input type="checkbox" name={`ask:${name}`} value="on" checked={chosen.ask.includes(name)} />
          <bdi>{claimedText(description, longest)}</bdi>
        </label>
      ))}
    </fieldset>
  )
}
