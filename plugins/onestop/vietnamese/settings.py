"""Settings, mappings of source systems, reference files."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # settings
    "write it as 5": "viết như 5",
    "write it as 06:00": "viết như 06:00",
    "{text} is no number of minutes": "{text} không phải là số phút",
    "{text} is no number of hours": "{text} không phải là số giờ",
    "{text} is no time of day": "{text} không phải là giờ trong ngày",
    # object storage
    "several machines cannot share a warehouse that is a file": (
        "nhiều máy không dùng chung được kho dữ liệu là một tệp"
    ),
    "set ONESTOP_WAREHOUSE to a PostgreSQL database, or unset ONESTOP_STORE": (
        "đặt ONESTOP_WAREHOUSE là cơ sở dữ liệu PostgreSQL, hoặc bỏ ONESTOP_STORE"
    ),
    "is no address of object storage, or holds a login": (
        "không phải là địa chỉ kho đối tượng, hoặc có chứa tài khoản"
    ),
    "write it as s3://bucket/folder, and put the login into AWS_ACCESS_KEY_ID and"
    " AWS_SECRET_ACCESS_KEY": (
        "viết như s3://bucket/folder, và đặt tài khoản vào AWS_ACCESS_KEY_ID và"
        " AWS_SECRET_ACCESS_KEY"
    ),
    "the login is refused, or may not do this": "tài khoản bị từ chối, hoặc không được làm"
    " việc này",
    "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that the login may list, read, write"
    " and delete below ONESTOP_STORE": (
        "kiểm tra AWS_ACCESS_KEY_ID và AWS_SECRET_ACCESS_KEY, và tài khoản có được liệt kê, đọc,"
        " ghi và xóa dưới ONESTOP_STORE không"
    ),
    "check ONESTOP_STORE, AWS_ENDPOINT_URL and the network; it is tried again": (
        "kiểm tra ONESTOP_STORE, AWS_ENDPOINT_URL và mạng; sẽ được thử lại"
    ),
    "the object storage does not answer as it should ({name})": (
        "kho đối tượng không trả lời đúng ({name})"
    ),
    # the file of a mapping
    "(file)": "(tệp)",
    "(top)": "(đầu tệp)",
    "line {number}": "dòng {number}",
    "the file name {file_name} belongs to {named}": "tên tệp {file_name} thuộc về {named}",
    "Change the name patterns so that only one of them fits": (
        "Sửa các mẫu tên để chỉ một mẫu khớp"
    ),
    "another file of the folder also maps the source {name}; neither is used": (
        "một tệp khác trong thư mục cũng ánh xạ nguồn {name}; không tệp nào được dùng"
    ),
    "Give each source a name of its own, and keep one file for each": (
        "Đặt cho mỗi nguồn một tên riêng, và giữ mỗi nguồn một tệp"
    ),
    "there is no mapping of this source": "nguồn này không có ánh xạ",
    "Name some of: {names}": "Nêu một số trong: {names}",
    "is not a folder": "không phải là thư mục",
    "Create it or unset the variable": "Tạo thư mục hoặc bỏ biến ấy",
    "cannot be read: {name}": "không đọc được: {name}",
    "Save it as UTF-8 text that the pipeline's user may read": (
        "Lưu thành văn bản UTF-8 mà người dùng của hệ thống đọc được"
    ),
    "is not YAML": "không phải là YAML",
    "Correct the YAML there": "Sửa YAML ở đó",
    "is not a mapping of keys to values": "không phải là các khóa với giá trị",
    "Start from mappings/one_stop.yaml": "Bắt đầu từ mappings/one_stop.yaml",
    # keys of mappings
    "this value": "giá trị này",
    "the key {name} is missing": "thiếu khóa {name}",
    "Add it. {example}": "Thêm khóa ấy. {example}",
    "there is no key {unknown} here": "ở đây không có khóa {unknown}",
    "Write {near}": "Viết {near}",
    "Use some of: {names}": "Dùng một số trong: {names}",
    "Use one of: {names}": "Dùng một trong: {names}",
    "{shown} is not an allowed value": "{shown} không phải là giá trị cho phép",
    "{shown} cannot be used": "{shown} không dùng được",
    "is not complete": "chưa đầy đủ",
    "has too few entries": "có quá ít mục",
    "is empty": "còn trống",
    "should be {kind}": "phải là {kind}",
    "keys with values": "các khóa với giá trị",
    "a list in [ ]": "một danh sách trong [ ]",
    "one text": "một văn bản",
    "Write for example {before}{example}": "Ví dụ viết {before}{example}",
    "See docs/mapping.md": "Xem docs/mapping.md",
    # contents of mappings
    "there is no time zone {name}": "không có múi giờ {name}",
    "Use an IANA name such as Asia/Ho_Chi_Minh": "Dùng tên IANA như Asia/Ho_Chi_Minh",
    "is not a regular expression ({error})": "không phải là biểu thức chính quy ({error})",
    "Correct the expression": "Sửa biểu thức",
    "has no group for the night": "không có nhóm cho đêm",
    "Mark it as (?P<night>\\d{8})": "Đánh dấu bằng (?P<night>\\d{8})",
    "a snapshot of {feed} cannot cover {covers}": (
        "ảnh chụp của {feed} không thể bao gồm theo {covers}"
    ),
    "the path has a covered value, but covers names no column": (
        "đường dẫn có giá trị covered, nhưng covers không nêu cột nào"
    ),
    "is derived while reading": "được suy ra khi đọc",
    "Map its timestamp instead": "Hãy ánh xạ cột thời điểm của nó",
    "holds several columns": "chứa nhiều cột",
    "Name them under extra": "Nêu các cột ấy ở extra",
    "{feed} has no column {name}": "{feed} không có cột {name}",
    "a key column needs a source": "cột khóa cần có nguồn",
    "Add from: with its headers": "Thêm from: với các tiêu đề của nó",
    "has no source and no value": "không có nguồn và không có giá trị",
    "{fallback} has another type": "{fallback} có kiểu khác",
    "Name a column of the same type": "Nêu một cột cùng kiểu",
    "has no group": "không có nhóm",
    "Put the value in parentheses": "Đặt giá trị trong ngoặc đơn",
    "is given together with from": "được cho cùng với from",
    "Keep one of the two": "Chỉ giữ một trong hai",
    "only columns of free text can be joined": "chỉ ghép được các cột văn bản tự do",
    "Use from": "Dùng from",
    "Use from, and time_from for the clock": "Dùng from, và time_from cho giờ",
    "is given without join": "được cho mà không có join",
    "Add join": "Thêm join",
    "is only for a column of date and time whose date has headers in from": (
        "chỉ dùng cho cột ngày giờ mà phần ngày có tiêu đề trong from"
    ),
    "Give the date's headers in from, or remove time_from": (
        "Cho tiêu đề của ngày trong from, hoặc bỏ time_from"
    ),
    "has the name of a canonical column": "trùng tên một cột chuẩn",
    "Give it another name": "Đặt tên khác",
    "{feed} have no column for it": "{feed} không có cột cho nó",
    "Remove it": "Bỏ nó đi",
    "is also a helper": "cũng là một cột phụ (helpers)",
    "Keep it in one of the two": "Chỉ để ở một trong hai chỗ",
    "Keep it in one of them": "Chỉ để ở một trong các chỗ ấy",
    "the date pattern {pattern} uses %{unknown}": "mẫu ngày {pattern} dùng %{unknown}",
    "Use {known}": "Dùng {known}",
    "{value} is not a value of {name}": "{value} không phải là giá trị của {name}",
    "{value} is not a whole number": "{value} không phải là số nguyên",
    "Give a whole number": "Cho một số nguyên",
    "{value} is neither true nor false": "{value} không phải true cũng không phải false",
    "Give true or false": "Cho true hoặc false",
    "{text} means both {other} and {canonical}": "{text} vừa là {other} vừa là {canonical}",
    "is neither a mapped column nor a helper": (
        "không phải là cột được ánh xạ cũng không phải là cột phụ"
    ),
    "Add it under helpers, or name a canonical column": (
        "Thêm vào helpers, hoặc nêu một cột chuẩn"
    ),
    "the key column is not mapped": "chưa ánh xạ cột khóa",
    "Add it": "Thêm cột ấy",
    "{text} is used": "{text} đang được dùng",
    "Remove it from unused": "Bỏ khỏi unused",
    "{source} is also listed as personal": "{source} cũng được ghi trong personal",
    # the mapping language, as its schema describes it
    "A date pattern names at least the year; or excel_serial, epoch_seconds, epoch_milliseconds": (
        "Mẫu ngày phải có ít nhất năm; hoặc excel_serial, epoch_seconds, epoch_milliseconds"
    ),
    "A name of your own: small letters, digits and _, a letter first": (
        "Tên tự đặt: chữ thường, số và _, bắt đầu bằng chữ"
    ),
    "All must hold. For each column or helper: a list of values, without regard to case, a trailing"
    " * matching any ending; or present, or absent": (
        "Tất cả phải đúng. Với mỗi cột hoặc cột phụ: danh sách giá trị, không phân biệt hoa thường,"
        " * ở cuối khớp mọi phần đuôi; hoặc present, hoặc absent"
    ),
    "Canonical column of the same type whose value is taken where this one is blank": (
        "Cột chuẩn cùng kiểu, lấy giá trị của nó khi cột này trống"
    ),
    "Canonical column: rules, the first that holds gives its value where the source gives none": (
        "Cột chuẩn: các quy tắc, quy tắc đầu tiên đúng cho giá trị khi nguồn không có"
    ),
    "Canonical value: the source's values that mean it. In a column of free text, such as a unit's"
    " code, they are aliases; whatever else is there stays": (
        "Giá trị chuẩn: các giá trị của nguồn mang nghĩa ấy. Ở cột văn bản tự do, như mã đơn vị,"
        " chúng là tên khác; giá trị còn lại giữ nguyên"
    ),
    "Columns a file must have; 'a or b' when one of them will do. Key columns always are": (
        "Các cột mà tệp phải có; 'a or b' khi chỉ cần một trong hai. Cột khóa luôn phải có"
    ),
    "Date patterns, tried in order: %Y year, %m month, %b its English name, %d day, %H hour, %M"
    " minute, %S second, %p AM or PM, %z offset; or excel_serial, epoch_seconds,"
    " epoch_milliseconds. ISO 8601, with or without an offset, and /Date(...)/ are always tried"
    " last": (
        "Các mẫu ngày, thử theo thứ tự: %Y năm, %m tháng, %b tên tháng tiếng Anh, %d ngày, %H giờ,"
        " %M phút, %S giây, %p AM hoặc PM, %z độ lệch; hoặc excel_serial, epoch_seconds,"
        " epoch_milliseconds. ISO 8601, có hay không có độ lệch, và /Date(...)/ luôn được thử sau"
        " cùng"
    ),
    "Decimal sign, for numbers that could be read both ways (1.234). A comma when not given": (
        "Dấu thập phân, cho các số đọc được hai cách (1.234). Mặc định là dấu phẩy"
    ),
    "national: codes of the national forms get capitals and hyphens, and no blanks: those of"
    " dossiers, {unit}-{yyMMdd}-{number}, and of units, such as H24.14 or 000.00.15.H24. So"
    " h24.14 – 220601 – 0001 is the dossier H24.14-220601-0001. Without it every code is taken as"
    " it is written. Set it before the first load; docs/operations.md says what to do later": (
        "national: mã theo mẫu quốc gia được viết bằng chữ hoa, gạch nối và không có dấu cách: mã"
        " hồ sơ {mã đơn vị}-{yyMMdd}-{số thứ tự}, mã đơn vị như H24.14 hoặc 000.00.15.H24. Vì vậy"
        " h24.14 – 220601 – 0001 là hồ sơ H24.14-220601-0001. Không có khóa này thì mã giữ nguyên"
        " như nguồn ghi. Hãy đặt trước lần nạp đầu tiên; nếu muộn hơn, xem docs/operations.md"
    ),
    "For a text made of several columns: the headers of each part, in order. Where a part is blank"
    " there is no value": (
        "Cho văn bản ghép từ nhiều cột: tiêu đề của từng phần, theo thứ tự. Một phần trống thì"
        " không có giá trị"
    ),
    "For each canonical column (docs/feeds.md) where its values come from. Key columns must be"
    " there": ("Với mỗi cột chuẩn (docs/feeds.md), giá trị lấy từ đâu. Phải có các cột khóa"),
    "Further columns of dossiers to keep, by a name of your own: they are in the JSON column extra"
    " of mart.dossier. One named due_date_reason is shown as the reason of a moved due date in"
    " mart.due_date_move. Never a column about a person, and no free text": (
        "Các cột khác của hồ sơ cần giữ, theo tên tự đặt: chúng nằm trong cột JSON extra của"
        " mart.dossier. Cột mang tên due_date_reason được hiện là lý do dời ngày hẹn trả trong"
        " mart.due_date_move. Không bao giờ là cột về một người, và không phải văn bản tự do"
    ),
    "Headers of columns that hold personal data: never read into anything. [] when there are"
    " none": (
        "Tiêu đề các cột có dữ liệu cá nhân: không bao giờ được đọc vào đâu. [] khi không có"
    ),
    "Headers of the time of day, where it stands in a column beside the date. The date comes from"
    " from; where the time is blank, the date alone counts": (
        "Tiêu đề của giờ, khi giờ nằm ở cột bên cạnh ngày. Ngày lấy từ from; giờ trống thì chỉ tính"
        " ngày"
    ),
    "Headers or JSON keys that hold it, the preferred one first; a.b is key b inside a": (
        "Tiêu đề hoặc khóa JSON chứa giá trị, cái ưu tiên trước; a.b là khóa b trong a"
    ),
    "Headers that are known and not needed; any other one is warned of": (
        "Tiêu đề đã biết và không cần; tiêu đề khác sẽ được nêu thành lưu ý"
    ),
    "IANA name of the clock that the files' dates and times are written in": (
        "Tên IANA của đồng hồ mà ngày giờ trong tệp được ghi theo"
    ),
    "Key of the JSON envelope that holds the list of records; a.b is key b inside a; data when not"
    " given. Case makes no difference": (
        "Khóa của phong bì JSON chứa danh sách bản ghi; a.b là khóa b trong a; mặc định là data."
        " Không phân biệt hoa thường"
    ),
    "Name of the source system in English": "Tên hệ thống nguồn bằng tiếng Anh",
    "Name of the source system in Vietnamese": "Tên hệ thống nguồn bằng tiếng Việt",
    "Regular expression of the whole file name, capitals or not; (?P<night>\\d{8}) marks the night,"
    " written YYYYMMDD": (
        "Biểu thức chính quy của cả tên tệp, không phân biệt hoa thường; (?P<night>\\d{8}) đánh dấu"
        " đêm, viết YYYYMMDD"
    ),
    "Regular expression of the whole folder below the exports; any folder when not given."
    " (?P<covered>…) here or in name marks the one value of the column that the file covers": (
        "Biểu thức chính quy của cả thư mục trong tệp xuất; mặc định là thư mục bất kỳ."
        " (?P<covered>…) ở đây hoặc trong name đánh dấu giá trị duy nhất của cột mà tệp bao gồm"
    ),
    "Regular expression whose first group, in parentheses, is the value": (
        "Biểu thức chính quy mà nhóm đầu tiên, trong ngoặc đơn, là giá trị"
    ),
    "Rows to leave out: those for which a rule's conditions hold. They are counted in"
    " audit.delivery (rows_skipped, skip_reasons). An earlier version of the same key ends with"
    " this night": (
        "Các dòng cần bỏ qua: những dòng mà điều kiện của một quy tắc đúng. Chúng được đếm trong"
        " audit.delivery (rows_skipped, skip_reasons). Phiên bản trước của cùng khóa kết thúc ở đêm"
        " này"
    ),
    "Short name of the source system, used in delivery ids and folder names: small letters, digits"
    " and _, a letter first": (
        "Tên ngắn của hệ thống nguồn, dùng trong delivery id và tên thư mục: chữ thường, số và _,"
        " bắt đầu bằng chữ"
    ),
    "Source columns that conditions look at; they are not stored": (
        "Các cột nguồn mà điều kiện xét đến; chúng không được lưu"
    ),
    "Text between the parts of join; nothing when not given": (
        "Văn bản giữa các phần của join; mặc định là không có gì"
    ),
    "Texts that mean no value, without regard to case; a trailing * matches any ending. Those of a"
    " source, a feed and a column add up": (
        "Các văn bản nghĩa là không có giá trị, không phân biệt hoa thường; * ở cuối khớp mọi phần"
        " đuôi. Của nguồn, của loại dữ liệu và của cột cộng lại"
    ),
    "The value that the rule gives. A rule without the key when always holds": (
        "Giá trị mà quy tắc cho. Quy tắc không có khóa when thì luôn đúng"
    ),
    "Value of every row, whatever the file holds": "Giá trị của mọi dòng, bất kể tệp có gì",
    "Value where the source's is blank": "Giá trị khi nguồn để trống",
    "What a snapshot covers: source (all of it; source when not given), or the column by whose"
    " values the source parts its list, such as receiving_unit_code for one file a unit. Several"
    " snapshots of one night are parts of one: a row vanishes when a part covers it and no part"
    " holds it. By a column, only rows of those values vanish that the files of the night have rows"
    " of, or that their paths name: a missing file lets nothing vanish": (
        "Ảnh chụp bao gồm gì: source (toàn bộ nguồn; mặc định), hoặc cột mà nguồn chia danh sách"
        " theo, như receiving_unit_code khi mỗi đơn vị một tệp. Nhiều ảnh chụp của một đêm là các"
        " phần của một ảnh: một dòng biến mất khi có phần bao gồm nó mà không phần nào có nó. Theo"
        " cột thì chỉ các dòng mang giá trị có trong tệp của đêm, hoặc có trong đường dẫn, mới biến"
        " mất: thiếu một tệp không làm mất gì"
    ),
    "What the source delivers: dossiers, visits (queue tickets), procedures (the catalogue), units"
    " (the register of offices), declarations. docs/feeds.md lists the columns of each": (
        "Nguồn nộp gì: dossiers (hồ sơ), visits (phiếu lấy số), procedures (danh mục thủ tục),"
        " units (danh sách đơn vị), declarations (khai báo). docs/feeds.md liệt kê cột của"
        " từng loại"
    ),
    "Whether a night waits for this feed and is not published without it; false when not given": (
        "Đêm có chờ loại dữ liệu này và không công bố khi thiếu nó hay không; mặc định là false"
    ),
    "Which files are deliveries of this feed; the first pattern that fits the whole name counts": (
        "Những tệp nào thuộc loại dữ liệu này; mẫu đầu tiên khớp cả tên được tính"
    ),
    "Why, for those who read the audit; without personal data": (
        "Lý do, cho người đọc kiểm tra; không có dữ liệu cá nhân"
    ),
    "delta: what changed that day. snapshot: everything so far; what it does not hold any more has"
    " gone": (
        "delta: những gì đổi trong ngày. snapshot: toàn bộ đến nay; gì không còn trong đó là đã mất"
    ),
    # reference files
    "reference files need correcting:\n  {lines}": "cần sửa các tệp tham chiếu:\n  {lines}",
    "… and {more} more": "… và {more} nữa",
    "{schema_file}: cannot be read: {error}": "{schema_file}: không đọc được: {error}",
    "{schema_file}: files.{file}.columns.{name}: give type ({types}), vi and en, here or under"
    " common": (
        "{schema_file}: files.{file}.columns.{name}: cho type ({types}), vi và en, ở đây hoặc trong"
        " common"
    ),
    "{name}.csv: is missing; restore it": "{name}.csv: không có; hãy khôi phục",
    "{name}.csv: is not described; add files.{name} to {schema_file}": (
        "{name}.csv: chưa được mô tả; thêm files.{name} vào {schema_file}"
    ),
    "{file}: byte {byte} is not UTF-8; save it as UTF-8": (
        "{file}: byte {byte} không phải UTF-8; hãy lưu bằng UTF-8"
    ),
    "{file} line {number}": "{file} dòng {number}",
    "{file} line {number}: {error}; check quotation marks": (
        "{file} dòng {number}: {error}; kiểm tra dấu ngoặc kép"
    ),
    "{file_name} line 1: {details}; the header must be {expected}": (
        "{file_name} dòng 1: {details}; dòng tiêu đề phải là {expected}"
    ),
    "missing: {names}": "thiếu: {names}",
    "not described: {names}": "chưa được mô tả: {names}",
    "columns are in another order": "các cột theo thứ tự khác",
    "{place}, column {column}": "{place}, cột {column}",
    "known_issue.csv line {number}": "known_issue.csv dòng {number}",
    "{place}: has {cells} cells instead of {header}; put quotation marks around a text with"
    " commas": ("{place}: có {cells} ô thay vì {header}; đặt văn bản có dấu phẩy trong ngoặc kép"),
    "{where}: has blanks around it, no-break spaces or decomposed accents; write {clean!r}": (
        "{where}: có khoảng trắng thừa, dấu cách không ngắt hoặc dấu tổ hợp; viết {clean!r}"
    ),
    "{where}: holds an e-mail address or the number of a person; take it out, since all readers see"
    " this text": (
        "{where}: có địa chỉ e-mail hoặc số của một người; bỏ đi, vì mọi người đọc đều thấy văn bản"
        " này"
    ),
    "{where}: {text!r} is not one of {codes}": "{where}: {text!r} không nằm trong {codes}",
    "{where}: is empty; it must be filled": "{where}: còn trống; phải điền",
    "{where}: {text!r} is not {expected}": "{where}: {text!r} không phải là {expected}",
    "a whole number": "số nguyên",
    "true or false": "true hoặc false",
    "a date; write it as YYYY-MM-DD": "ngày; viết như YYYY-MM-DD",
    "{file}.csv line {number}: valid_to must be later than valid_from": (
        "{file}.csv dòng {number}: valid_to phải sau valid_from"
    ),
    "{file}.csv line {number}: {key} = {values} is already on line {other}{also}; keep one of"
    " them": (
        "{file}.csv dòng {number}: {key} = {values} đã có ở dòng {other}{also}; chỉ giữ một dòng"
    ),
    ", with a validity that overlaps": ", với hiệu lực chồng nhau",
    "{file}.csv line {number}, column {column}: {value!r} does not occur in {other_file}.csv;"
    " correct it or add the row there": (
        "{file}.csv dòng {number}, cột {column}: {other_file}.csv không có {value!r}; hãy sửa hoặc"
        " thêm dòng ở đó"
    ),
    "{place}, column issue_code: has a blank; write it as one word": (
        "{place}, cột issue_code: có khoảng trắng; viết liền thành một từ"
    ),
    "{place}: last_date must not be earlier than first_date": (
        "{place}: last_date không được trước first_date"
    ),
    "{name}.csv line {number}: is both verified and chosen; a row that a text verifies is not"
    " chosen": (
        "{name}.csv dòng {number}: vừa verified vừa chosen; dòng đã đối chiếu với văn bản thì không"
        " phải là lựa chọn"
    ),
    "target.csv line {number}: holds for all levels while line {other} sets another for {level};"
    " name the levels one by one": (
        "target.csv dòng {number}: áp dụng cho mọi cấp trong khi dòng {other} đặt giá trị khác cho"
        " {level}; hãy nêu từng cấp"
    ),
}
