/** Knows how to write XML: escaping, and a namespace for every element that is not WebDAV's own. */
import type { XmlElement } from './xml-reading.js'

export const davNamespace = 'DAV:'
export const xmlHead = '<?xml version="1.0" encoding="utf-8"?>\n'

export interface PropertyName {
  readonly namespace: string
  readonly local: string
}

export function escapeXml(text: string): string {
  // Control characters cannot stand in XML 1.0 at all, and names of files may have them.
  return text.replace(/[&<>"\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, (found) => {
    switch (found) {
      case '&':
        return '&amp;'
      case '<':
        return '&lt;'
      case '>':
        return '&gt;'
      case '"':
        return '&quot;'
      default:
        return '\ufffd'
    }
  })
}

/** `inner` is XML already. */
export function property(
  { namespace, local }: PropertyName,
  inner: string,
  attributes = '',
): string {
  if (namespace === davNamespace) return elementText(`D:${local}`, attributes, inner)
  return elementText(local, ` xmlns="${escapeXml(namespace)}"${attributes}`, inner)
}

/** The body of a refusal that has a name of its own (RFC 4918, section 16). `inner` is XML already. */
export function davError(condition: string, inner = ''): string {
  return `${xmlHead}<D:error xmlns:D="DAV:">${elementText(`D:${condition}`, '', inner)}</D:error>\n`
}

/** What stands inside an element, so that it can be written into any other document. */
export function innerXml(element: XmlElement): string {
  return element.children
    .map((child) => (typeof child === 'string' ? escapeXml(child) : outerXml(child)))
    .join('')
}

function outerXml(element: XmlElement): string {
  const attributes = element.attributes.map(({ namespace, local, value }, index) => {
    const text = `="${escapeXml(value)}"`
    if (namespace === '') return ` ${local}${text}`
    return ` xmlns:a${index}="${escapeXml(namespace)}" a${index}:${local}${text}`
  })
  return property(element, innerXml(element), attributes.join(''))
}

function elementText(name: string, attributes: string, inner: string): string {
  return inner === '' ? `<${name}${attributes}/>` : `<${name}${attributes}>${inner}</${name}>`
}
