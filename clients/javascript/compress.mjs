// The settings of Brotli, for the answer of a web service: how many bytes it takes on the wire.
import { promisify } from 'node:util';
import { brotliCompress, constants as c } from 'node:zlib';

const records = Array.from({ length: 6000 }, (_, k) => ({
  id: k,
  name: `item ${(k * k) % 977}`,
  price: ((k * 7919) % 10007) / 100,
  tags: ['new', 'used', 'sold'].slice(k % 3),
}));
const answer = Buffer.from(JSON.stringify(records));
const compress = promisify(brotliCompress);
const modes = { generic: c.BROTLI_MODE_GENERIC, text: c.BROTLI_MODE_TEXT, font: c.BROTLI_MODE_FONT };

export async function bytes({ quality, window, block, postfix, mode }) {
  const params = {
    [c.BROTLI_PARAM_QUALITY]: Number(quality),
    [c.BROTLI_PARAM_LGWIN]: Number(window),
    [c.BROTLI_PARAM_LGBLOCK]: Number(block),
    [c.BROTLI_PARAM_NPOSTFIX]: Number(postfix),
    [c.BROTLI_PARAM_MODE]: modes[mode],
  };
  return (await compress(answer, { params })).length;
}
