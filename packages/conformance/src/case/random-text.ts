/** Whether a text is long enough to hold so many random bits, in whichever alphabet of printable ASCII. */
export function hasRoomFor(text: string, bits: number): boolean {
  return text.length * Math.log2(94) >= bits
}
