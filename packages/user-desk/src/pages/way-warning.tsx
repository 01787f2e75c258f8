/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'
import { claimedText } from './claimed-text.js'
import type { ConsentView } from './consent-view.js'
import { messagesOf } from './language.js'
import type { Look } from './look.js'
import type { Messages } from './messages/en.js'
import { fill, Sentence } from './sentence.js'
import { dateAndTime } from './shown-time.js'

type DeviceWay = Extract<ConsentView['way'], { readonly type: 'device' }>

/** Warns of an answer that goes to a program or a device, which may be an attacker's. */
export function WayWarning({ way, look }: Pick<ConsentView, 'way'> & { readonly look: Look }): JSX.Element | null {
  const { common, consent } = messagesOf(look)
  if (way.type === 'web' || way.type === 'inbox') return null
  return (
    <section class="care">
      <p>
        <strong>{common.takeCare}</strong> {way.type === 'loopback' ? consent.toProgram : consent.toDevice}
      </p>
      {way.type === 'loopback' ? null : <DeviceAsked way={way} texts={messagesOf(look)} />}
    </section>
  )
}

function DeviceAsked({ way, texts }: { readonly way: DeviceWay; readonly texts: Messages }): JSX.Element {
  const { consent } = texts
  const address = claimedText(way.peer ?? '', 45)
  return (
    <p>
      <Sentence
        text={way.peer === undefined ? consent.deviceAsked : consent.deviceAskedFrom}
        parts={{ when: whenAsked(way, texts), address: <code>{address}</code> }}
      />
    </p>
  )
}

function whenAsked({ asked, now }: DeviceWay, { locale, consent }: Messages): string {
  const on = fill(consent.askedOn, { time: dateAndTime(asked, locale) })
  if (now === undefined) return on
  const minutes = Math.floor((now - asked) / 60)
  if (minutes < 1) return fill(consent.justNow, { on })
  return minutes === 1 ? fill(consent.minuteAgo, { on }) : fill(consent.minutesAgo, { minutes, on })
}
