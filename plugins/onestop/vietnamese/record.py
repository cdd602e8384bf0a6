"""The gate and its suites, the record, the marts."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # suites
    "suite {name}": "bộ quy tắc {name}",
    "rule {code}": "quy tắc {code}",
    "limit {name}": "giới hạn {name}",
    "correct the rule in its suite": "sửa quy tắc trong bộ của nó",
    'no common rule "{common}"': 'không có quy tắc chung "{common}"',
    '"{common}" does not use {names}': '"{common}" không dùng {names}',
    'the value "{name}" is missing': 'thiếu giá trị "{name}"',
    'there is no list "expectations"': 'không có danh sách "expectations"',
    "write the suite as an object with one": "viết bộ quy tắc thành đối tượng có danh sách ấy",
    "rule codes used twice: {names}": "mã quy tắc dùng hai lần: {names}",
    "give each rule the next free number of its series": (
        "cho mỗi quy tắc số trống tiếp theo trong dãy của nó"
    ),
    "it holds no JSON object": "tệp không có đối tượng JSON nào",
    "write one": "hãy viết một đối tượng",
    "not readable JSON: {error}": "JSON không đọc được: {error}",
    "correct the file": "sửa tệp",
    "{shown!r} is no rule": "{shown!r} không phải là quy tắc",
    "write a rule as an object": "viết quy tắc thành một đối tượng",
    "correct the entry": "sửa mục ấy",
    '"meta" or its "limits" is no object': '"meta" hoặc "limits" không phải là đối tượng',
    '"meta" or "kwargs" of a rule is no object': (
        '"meta" hoặc "kwargs" của một quy tắc không phải là đối tượng'
    ),
    "write both as objects": "viết cả hai thành đối tượng",
    "{limit!r} is not usable": "{limit!r} không dùng được",
    "write a whole number, for one of {names}": "viết một số nguyên, cho một trong {names}",
    "meta lacks {names}": "meta thiếu {names}",
    "add them": "thêm vào",
    "this is no rule code": "đây không phải là mã quy tắc",
    "write a code like DOS-R07": "viết mã như DOS-R07",
    "unknown severity or scope": "mức độ hoặc phạm vi lạ",
    "use one of {names}, and row or file": "dùng một trong {names}, và row hoặc file",
    "the expectation's own severity does not match meta's {severity}": (
        "mức độ của chính kỳ vọng không khớp với {severity} trong meta"
    ),
    'write "{severity}" in the expectation': 'viết "{severity}" trong kỳ vọng',
    "its query does not read from {batch}": "câu truy vấn không đọc từ {batch}",
    "select from {batch}": "hãy đọc từ {batch}",
    'rule {code}: "reads" is {reads}': 'quy tắc {code}: "reads" là {reads}',
    "give it rows, sums, differences or whole": "cho nó rows, sums, differences hoặc whole",
    "{code}: Great Expectations counts {failed} rows, its predicate finds {found}": (
        "{code}: Great Expectations đếm {failed} dòng, điều kiện của nó tìm thấy {found}"
    ),
    "{code}: {expectation_type} does not say which rows fail": (
        "{code}: {expectation_type} không cho biết dòng nào vi phạm"
    ),
    "write it as an UnexpectedRowsExpectation": "viết thành UnexpectedRowsExpectation",
    # deliveries of a night
    "{name} was refused ({rule}: {reason}); {remedy}, then run night {night} again": (
        "{name} bị từ chối ({rule}: {reason}); {remedy}, rồi chạy lại đêm {night}"
    ),
    "remove the cause if it is still there": "khắc phục nguyên nhân nếu vẫn còn",
    "have {source} export it again": "cho {source} xuất lại tệp",
    "{name} is in the exports and was not loaded; see the log of its delivery task, then run night"
    " {night} again": (
        "{name} có trong tệp xuất mà chưa được nạp; xem nhật ký bước của tệp, rồi chạy lại đêm"
        " {night}"
    ),
    "have {source} deliver the missing files, or, if it is right, run the night with"
    " --accept-volume {source}/{feed} --because …": (
        "cho {source} nộp các tệp còn thiếu, hoặc nếu như vậy là đúng thì chạy đêm với"
        " --accept-volume {source}/{feed} --because …"
    ),
    "{count} accepted rows of {file} are not in the history of {feed}": (
        "{count} dòng đã nhận của {file} không có trong lịch sử của {feed}"
    ),
    "not in the history of {feed}: {rows} that {file} holds unchanged": (
        "không có trong lịch sử của {feed}: {rows} mà {file} giữ nguyên"
    ),
    "rows of {feed} vanish ({count}) while a part of the snapshot, {refused}, is refused;"
    " {remedy}": (
        "các dòng {feed} biến mất ({count}) trong khi một phần của ảnh chụp, {refused}, bị từ chối;"
        " {remedy}"
    ),
    " of {unit}": " của {unit}",
    "all rows of {feed}{of} vanish on night {night} ({gone}); {remedy}": (
        "mọi dòng {feed}{of} biến mất ở đêm {night} ({gone}); {remedy}"
    ),
    # publications
    "{how}; what was loaded since shows from the night after {last} on": (
        "{how}; những gì nạp từ đó có mặt từ đêm sau {last}"
    ),
    "published before, and stays as it was": "đã công bố từ trước và giữ nguyên",
    "not published in its time, and cannot be after night {last}": (
        "không được công bố đúng lúc, và không thể công bố sau đêm {last}"
    ),
    "the readers' copy {copy} cannot be read ({name}); it is made again": (
        "không đọc được bản sao cho người đọc {copy} ({name}); bản sao được tạo lại"
    ),
    "sql/reference/{file}, row {row}: there is no {column} {name}": (
        "sql/reference/{file}, dòng {row}: không có {column} {name}"
    ),
    "correct the name, or remove the row": "sửa tên, hoặc bỏ dòng ấy",
    # times of steps
    "the time of step {step} is not kept: {error}; the step goes on. Make {folder} writable": (
        "không ghi được thời gian của bước {step}: {error}; bước vẫn chạy tiếp. Hãy cho phép ghi"
        " vào {folder}"
    ),
    "the end of a step is not kept: {error}; the night goes on": (
        "không ghi được lúc kết thúc của một bước: {error}; đêm vẫn chạy tiếp"
    ),
    # how marts are computed
    "night {night}: {done}": "đêm {night}: {done}",
    "changes counted": "đã đếm phần thay đổi",
    "night {night}: {done}; by {engine}": "đêm {night}: {done}; bằng {engine}",
    "all dossiers counted: {why}": "đã đếm mọi hồ sơ: {why}",
    "a published mart is missing": "thiếu một bảng số liệu đã công bố",
    "a published mart has a column of another origin": (
        "một bảng số liệu đã công bố có cột từ nơi khác"
    ),
    "the published figures are not those of their history": (
        "số liệu đã công bố không còn như trong lịch sử của chúng"
    ),
    "the published marts are not those of night {night}": (
        "bảng số liệu đã công bố không phải của đêm {night}"
    ),
    "the SELECTs, the reference rows or the release are not those of night {night}": (
        "câu SELECT, dữ liệu tham chiếu hoặc phiên bản không còn như ở đêm {night}"
    ),
    "a year has begun since night {night}": "năm mới đã bắt đầu sau đêm {night}",
    "a reference row begins or ends since night {night}: {rows}": (
        "có dòng tham chiếu bắt đầu hoặc kết thúc sau đêm {night}: {rows}"
    ),
    "the record of night {night} is not the one that its figures were computed from": (
        "sổ gốc của đêm {night} không còn là sổ đã dùng để tính số liệu của đêm ấy"
    ),
    "{count} of {dossiers} may count differently": (
        "{count} trong {dossiers} có thể được đếm khác đi"
    ),
    "a period that began on {first} is counted anew": "kỳ bắt đầu ngày {first} được đếm lại",
    "the published {table} is not the sum of its dossiers": (
        "{table} đã công bố không phải là tổng các hồ sơ của nó"
    ),
    "a source gives channels or results for the first time, or no more": (
        "một nguồn lần đầu cho biết, hoặc thôi cho biết, cách nộp hay kết quả"
    ),
    "the change of a figure is not the sum of its items": (
        "thay đổi của một con số không phải là tổng các mục của nó"
    ),
}
