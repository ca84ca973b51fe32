/**
 * Writes series in the text format of Prometheus. The registers of prom-client are made for some hundred series: ten
 * thousand, which a thousand repositories have, cost it a tenth of a second a scrape.
 */

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
}

/** As within quotation marks: `repository="a/b"`. */
export function labelText(name: string, value: string): string {
  const isPlain = !/[\\\n"]/.test(value)
  const text = isPlain
    ? value
    : value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
  return `${name}="${text}"`
}

export class SeriesText {
  readonly #name: string
  #text: string

  constructor({ name, help, type }: Family) {
    this.#name = name
    this.#text = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }

  /** `labels` are written already. */
  add(labels: string, value: number): void {
    this.#text += `${this.#name}{${labels}} ${value}\n`
  }

  /** Ends with a line break. */
  get text(): string {
    return this.#text
  }
}
