import { backgrounds } from './stylesheet.js'

/** WCAG 2.2 §1.4.3: text of ordinary size. */
const least = 4.5
const form = /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i

/** Refuses an accent that is hard to read on the pages. @throws TypeError that says the contrast */
export function checkAccent(option: 'accent' | 'accentDark', accent: string): void {
  if (!form.test(accent)) throw new TypeError(`userDesk: option 'branding.${option}' must be a colour such as #0b57d0`)
  const measured = Math.min(...backgrounds[option].map(background => contrastOf(accent, background)))
  if (measured >= least) return
  // Cut, not rounded: 4.49 must not read as 4.5.
  const shown = Math.floor(measured * 100) / 100
  throw new TypeError(
    `userDesk: option 'branding.${option}' ${accent} has a contrast of ${shown}:1 with the page; at least ${least}:1 is needed to be readable`,
  )
}

/** The colour of text on an accent: black or white, of which one always has a contrast of 4.5:1 or more. */
export function onAccent(accent: string): '#000' | '#fff' {
  return contrastOf(accent, '#fff') >= contrastOf(accent, '#000') ? '#fff' : '#000'
}

/** The contrast of two colours by WCAG 2.2: 1 to 21. */
export function contrastOf(one: string, other: string): number {
  const [a, b] = [luminanceOf(one), luminanceOf(other)]
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

function luminanceOf(colour: string): number {
  const digits = colour.length === 4 ? colour.replaceAll(/[0-9a-f]/gi, '$&$&') : colour
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map(at =>
    linear(Number.parseInt(digits.slice(at, at + 2), 16) / 255),
  )
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function linear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
}
