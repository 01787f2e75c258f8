/** A number as it is written in JSON: `0.digits × 10^exponent`, without zeros at either end of `digits`; zero has none. */
export interface Decimal {
  readonly isNegative: boolean
  readonly digits: string
  readonly exponent: number
}

const form = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/**
 * Reads a JSON number without rounding: a reader of exact decimals behind the guard must not see another number than was judged.
 * @throws SyntaxError for what is no JSON number
 */
export function decimalOf(written: string): Decimal {
  const [, sign, whole = '', fraction = '', exponent = '0'] = form.exec(written) ?? []
  if (sign === undefined) throw new SyntaxError('not a JSON number')
  const all = whole + fraction
  const first = firstNonZero(all)
  const digits = all.slice(first, endOfDigits(all, first))
  if (digits === '') return { isNegative: false, digits, exponent: 0 }
  return { isNegative: sign === '-', digits, exponent: whole.length - first + Number(exponent) }
}

function firstNonZero(digits: string): number {
  let at = 0
  while (digits[at] === '0') at++
  return at
}

function endOfDigits(digits: string, first: number): number {
  let end = digits.length
  while (end > first && digits[end - 1] === '0') end--
  return end
}

/** Below zero where the first is less, zero where both are the same number. */
export function compareDecimals(one: Decimal, other: Decimal): number {
  const signs = signOf(one) - signOf(other)
  if (signs !== 0) return signs
  return compareSizes(one, other) * signOf(one)
}

function signOf({ isNegative, digits }: Decimal): number {
  if (digits === '') return 0
  return isNegative ? -1 : 1
}

function compareSizes(one: Decimal, other: Decimal): number {
  if (one.exponent !== other.exponent) return one.exponent < other.exponent ? -1 : 1
  // Fractions: shorter digits that begin the longer ones are less, as in a dictionary.
  if (one.digits === other.digits) return 0
  return one.digits < other.digits ? -1 : 1
}

const largest = decimalOf(String(Number.MAX_SAFE_INTEGER))

/** Whether every reader that has 64-bit floating point reads the whole part exactly: within ±(2⁵³−1). */
export function isWithinSafeIntegers(decimal: Decimal): boolean {
  return compareSizes(decimal, largest) <= 0
}
