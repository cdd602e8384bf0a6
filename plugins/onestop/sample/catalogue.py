"""The catalogue of procedures of the sample.

Names combine the actions and subjects of such procedures; codes have the form of the national
catalogue (``1.002835.000.00.00.H24``) but are not real.
"""

from __future__ import annotations

import datetime as dt
import random
import unicodedata
from dataclasses import dataclass

from onestop.sample.chance import comes_up

#: From this level on a dossier can be submitted online.
ONLINE_LEVEL = 3

_ISSUE = ("Cấp", "Cấp lại", "Gia hạn", "Điều chỉnh")
_APPROVE = ("Thẩm định", "Phê duyệt", "Phê duyệt điều chỉnh")
_REGISTER = ("Đăng ký", "Đăng ký thay đổi", "Đăng ký lại")
_NOTIFY = ("Thông báo", "Thông báo thay đổi")
_RECOGNISE = ("Công nhận", "Công nhận lại")

_Field = tuple[str, tuple[str, ...], tuple[str, ...], tuple[int, ...]]

#: Fields by owning department (its number in the register): name, what is done, to what, and
#: the usual time limits in working days.
_DEPARTMENT_FIELDS: dict[int, tuple[_Field, ...]] = {
    1: (("Văn phòng điện tử", _REGISTER, ("sử dụng phòng họp trực tuyến",), (2, 3)),),
    2: (
        ("Tổ chức phi chính phủ", _RECOGNISE, ("điều lệ hội", "quỹ xã hội"), (20, 30)),
        ("Thi đua, khen thưởng", ("Tặng",), ("danh hiệu thi đua", "bằng khen"), (15, 20)),
        ("Tôn giáo", _NOTIFY, ("danh mục hoạt động tôn giáo", "người phụ trách"), (10, 15)),
    ),
    3: (
        ("Lý lịch tư pháp", ("Cấp", "Cấp lại"), ("phiếu lý lịch tư pháp",), (8, 10)),
        ("Công chứng", _REGISTER, ("hoạt động văn phòng công chứng",), (5, 7)),
        ("Luật sư", _REGISTER, ("hoạt động tổ chức hành nghề luật sư",), (7, 10)),
        ("Đấu giá tài sản", ("Cấp", "Cấp lại"), ("thẻ đấu giá viên",), (3, 5)),
    ),
    4: (
        ("Báo chí", _ISSUE, ("giấy phép xuất bản bản tin",), (10, 15)),
        ("Xuất bản, in", _ISSUE, ("giấy phép hoạt động in",), (7, 10)),
        ("Phát thanh, truyền hình", _REGISTER, ("thu tín hiệu truyền hình",), (10,)),
    ),
    5: (
        ("Quản lý giá", _NOTIFY, ("mức giá kê khai",), (5,)),
        ("Quản lý công sản", _APPROVE, ("xử lý tài sản công",), (20, 30)),
        ("Tài chính doanh nghiệp", ("Cấp",), ("mã số đơn vị quan hệ ngân sách",), (2, 3)),
    ),
    6: (
        ("An toàn bức xạ", _ISSUE, ("giấy phép sử dụng thiết bị X-quang y tế",), (15, 20)),
        ("Hoạt động khoa học", _REGISTER, ("hoạt động tổ chức khoa học",), (10, 15)),
        ("Tiêu chuẩn đo lường", _REGISTER, ("công bố hợp quy",), (5, 7)),
    ),
    7: (
        (
            "Thành lập doanh nghiệp",
            _REGISTER,
            ("doanh nghiệp", "chi nhánh", "địa điểm kinh doanh"),
            (3,),
        ),
        (
            "Đầu tư",
            _ISSUE,
            ("giấy chứng nhận đăng ký đầu tư", "giấy đăng ký văn phòng điều hành"),
            (10, 15),
        ),
        ("Đấu thầu", _APPROVE, ("kế hoạch lựa chọn nhà thầu",), (15, 20)),
    ),
    8: (("Kê khai tài sản", ("Tiếp nhận", "Xác minh"), ("kê khai tài sản, thu nhập",), (30,)),),
    9: (
        (
            "Lưu thông hàng hóa",
            _ISSUE,
            ("giấy phép bán buôn rượu", "giấy phép bán buôn thuốc lá"),
            (10, 15),
        ),
        ("An toàn thực phẩm", ("Cấp", "Cấp lại"), ("chứng nhận cơ sở đủ điều kiện",), (15,)),
        ("Điện", _ISSUE, ("giấy phép hoạt động điện lực", "thẻ an toàn điện"), (15,)),
        ("Xúc tiến thương mại", _NOTIFY, ("hoạt động khuyến mại",), (5,)),
    ),
    10: (
        ("Giáo dục trung học", ("Cho phép", "Chuyển"), ("trường trung học phổ thông",), (20,)),
        ("Văn bằng, chứng chỉ", ("Cấp bản sao", "Chỉnh sửa"), ("văn bằng từ sổ gốc",), (1, 5)),
        ("Hệ thống giáo dục", ("Cấp phép",), ("dạy thêm, học thêm", "tư vấn du học"), (15,)),
    ),
    11: (
        ("Đường bộ", ("Đổi", "Cấp", "Cấp lại"), ("giấy phép lái xe",), (5, 7)),
        (
            "Vận tải",
            _ISSUE,
            ("phù hiệu xe ô tô", "giấy phép kinh doanh vận tải", "giấy phép liên vận"),
            (2, 5),
        ),
        ("Đường thủy nội địa", _REGISTER, ("phương tiện thủy nội địa",), (3, 5)),
    ),
    12: (
        ("Người có công", ("Giải quyết",), ("trợ cấp một lần", "mai táng phí"), (20, 30)),
        ("Việc làm", ("Cấp", "Cấp lại", "Gia hạn"), ("giấy phép lao động",), (5, 7)),
        ("Giáo dục nghề nghiệp", ("Cấp",), ("chứng nhận đăng ký hoạt động",), (10,)),
    ),
    13: (
        ("Thủy sản", ("Cấp", "Cấp lại"), ("giấy phép khai thác thủy sản",), (5, 7)),
        ("Chăn nuôi", ("Cấp", "Cấp lại"), ("chứng nhận đủ điều kiện chăn nuôi",), (15, 20)),
        ("Thú y", ("Cấp", "Gia hạn"), ("chứng chỉ hành nghề thú y",), (5, 8)),
        ("Bảo vệ thực vật", ("Cấp",), ("giấy phép vận chuyển thuốc bảo vệ thực vật",), (5,)),
    ),
    14: (("Lãnh sự", ("Cho phép", "Xác nhận"), ("sử dụng thẻ đi lại doanh nhân",), (5, 7)),),
    15: (
        ("Đất đai", _REGISTER, ("biến động quyền sử dụng đất của tổ chức",), (15, 20)),
        ("Môi trường", _APPROVE, ("báo cáo đánh giá tác động môi trường",), (30,)),
        (
            "Tài nguyên nước",
            _ISSUE,
            ("giấy phép khai thác nước dưới đất", "giấy phép xả nước thải"),
            (30,),
        ),
        (
            "Khoáng sản",
            _ISSUE,
            ("giấy phép thăm dò khoáng sản", "giấy phép khai thác khoáng sản"),
            (30,),
        ),
    ),
    16: (
        ("Văn hóa", _ISSUE, ("giấy phép kinh doanh karaoke",), (5, 7)),
        ("Quảng cáo", _NOTIFY, ("sản phẩm quảng cáo trên bảng",), (5,)),
        ("Thể dục thể thao", ("Cấp", "Cấp lại"), ("chứng nhận kinh doanh thể thao",), (7,)),
    ),
    17: (
        ("Lữ hành", _ISSUE, ("giấy phép kinh doanh lữ hành nội địa",), (10,)),
        ("Hướng dẫn viên", ("Cấp", "Cấp lại", "Đổi"), ("thẻ hướng dẫn viên du lịch",), (10,)),
    ),
    18: (
        (
            "Hoạt động xây dựng",
            _ISSUE,
            ("giấy phép xây dựng", "chứng chỉ hành nghề", "chứng chỉ năng lực"),
            (20,),
        ),
        ("Quy hoạch", ("Cung cấp", "Thẩm định"), ("thông tin quy hoạch",), (10, 15)),
        ("Nhà ở", _NOTIFY, ("nhà đủ điều kiện mở bán",), (10,)),
    ),
    19: (
        ("Khám bệnh, chữa bệnh", ("Cấp", "Cấp lại"), ("chứng chỉ hành nghề khám bệnh",), (20,)),
        ("Dược phẩm", _ISSUE, ("chứng nhận kinh doanh dược", "chứng chỉ hành nghề dược"), (10, 15)),
        ("Y tế dự phòng", ("Công bố",), ("cơ sở tiêm chủng", "cơ sở xét nghiệm"), (3, 5)),
    ),
    20: (
        ("Đầu tư khu kinh tế", _ISSUE, ("chứng nhận đăng ký đầu tư khu kinh tế",), (10, 15)),
        ("Lao động khu kinh tế", ("Cấp", "Gia hạn"), ("giấy phép lao động khu kinh tế",), (5,)),
        ("Xây dựng khu kinh tế", _ISSUE, ("giấy phép xây dựng khu kinh tế",), (15,)),
    ),
}

_DISTRICT_FIELDS: tuple[_Field, ...] = (
    (
        "Đất đai",
        _REGISTER,
        ("quyền sử dụng đất", "thế chấp quyền sử dụng đất", "chuyển mục đích sử dụng đất"),
        (3, 10, 15),
    ),
    ("Đo đạc, tách thửa", ("Tách", "Hợp"), ("thửa đất",), (10, 15)),
    ("Hộ kinh doanh", _REGISTER, ("hộ kinh doanh", "hợp tác xã", "liên hiệp hợp tác xã"), (3,)),
    ("Xây dựng", _ISSUE, ("giấy phép xây dựng nhà ở riêng lẻ",), (15,)),
    ("Hộ tịch cấp huyện", _REGISTER, ("khai sinh có yếu tố nước ngoài", "kết hôn"), (5, 10)),
    ("Bảo trợ xã hội", ("Quyết định", "Điều chỉnh"), ("trợ cấp xã hội hằng tháng",), (7, 10)),
    ("Giáo dục mầm non", ("Cho phép", "Sáp nhập"), ("trường mầm non tư thục",), (20,)),
    ("Môi trường", _REGISTER, ("kế hoạch bảo vệ môi trường",), (7, 10)),
    ("Văn hóa cấp huyện", ("Công nhận",), ("danh hiệu văn hóa", "thư viện tư nhân"), (5, 7)),
    ("Chứng thực cấp huyện", ("Chứng thực",), ("bản sao", "chữ ký người dịch"), (0,)),
    ("Lưu thông hàng hóa", _ISSUE, ("giấy phép bán lẻ rượu",), (7, 10)),
    ("Vận tải thủy", _REGISTER, ("bến khách ngang sông",), (5, 7)),
    ("Thủy sản", ("Công nhận",), ("tổ chức cộng đồng nghề cá",), (15,)),
)

_COMMUNE_FIELDS: tuple[_Field, ...] = (
    ("Chứng thực", ("Chứng thực",), ("bản sao từ bản chính", "chữ ký", "hợp đồng"), (0,)),
    ("Hộ tịch", _REGISTER, ("khai sinh", "kết hôn", "khai tử", "giám hộ"), (0, 1, 3)),
    ("Hộ tịch", ("Cấp",), ("giấy xác nhận tình trạng hôn nhân", "trích lục hộ tịch"), (1, 3)),
    ("Bảo trợ xã hội", ("Xác nhận",), ("hộ nghèo, hộ cận nghèo", "khuyết tật"), (7, 15)),
    ("Người có công", ("Xác nhận",), ("hồ sơ ưu đãi người có công",), (5,)),
    ("Đất đai", ("Hòa giải", "Xác nhận"), ("nguồn gốc sử dụng đất",), (10, 30)),
    ("Nông nghiệp", _REGISTER, ("kê khai chăn nuôi",), (3,)),
    ("Tín ngưỡng", _NOTIFY, ("tổ chức lễ hội tín ngưỡng",), (5, 10)),
)

_INTERNAL_NAMES = (
    "Bổ nhiệm viên chức quản lý",
    "Cử cán bộ đi đào tạo",
    "Nâng bậc lương trước thời hạn",
    "Thẩm định kế hoạch sử dụng biên chế",
    "Phê duyệt dự toán nội bộ",
    "Đề nghị khen thưởng nội bộ",
    "Thanh lý tài sản của đơn vị",
    "Phê duyệt kế hoạch công tác năm",
)

#: The most frequent procedures: simple matters at communes, land and business at districts.
_WEIGHTS = {
    "Chứng thực": 3.0,
    "Hộ tịch": 3.2,
    "Đất đai": 4.0,
    "Hộ kinh doanh": 3.0,
    "Đường bộ": 5.0,
    "Thành lập doanh nghiệp": 6.0,
    "Lý lịch tư pháp": 5.0,
}


@dataclass(frozen=True, slots=True, eq=False)
class Procedure:
    """One entry of the catalogue.

    Attributes:
        code: in the shape of the national catalogue.
        name: what the applicant asks for.
        field_code: code of its field.
        field_name: its field.
        level: level of the offices that resolve it.
        owner: number of the owning department, or 0.
        duration: its time limit in working days; 0 is the same day.
        base_level: service level at first.
        raised_on: when it went from level 3 to level 4, or None.
        is_eligible: whether it can be provided at level 4.
        is_internal: handled between offices only; no dossiers come in.
        decided_on: date of the announcing decision.
        published_on: when it was published, or None when it was not.
        weight: how often it is asked for, relative.
    """

    code: str
    name: str
    field_code: str
    field_name: str
    level: str
    owner: int
    duration: int
    base_level: int
    raised_on: dt.date | None
    is_eligible: bool
    is_internal: bool
    decided_on: dt.date
    published_on: dt.date | None
    weight: float

    @property
    def is_online(self) -> bool:
        """Whether dossiers can be submitted online."""
        return self.base_level >= ONLINE_LEVEL

    def service_level(self, day: int) -> int:
        """The service level at which it was provided on that day (an ordinal)."""
        if self.raised_on and day >= self.raised_on.toordinal():
            return self.base_level + 1
        return self.base_level


class _Builder:
    """Numbers the procedures while they are listed; independent of the seed."""

    def __init__(self) -> None:
        self.found: list[Procedure] = []
        self._field_codes: dict[tuple[str, int, str], str] = {}
        self._rng = random.Random("catalogue")

    def add_fields(self, level: str, owner: int, fields: tuple[_Field, ...]) -> None:
        """Every action on every subject of these fields."""
        for field_name, actions, subjects, durations in fields:
            names = [f"{action} {subject}" for subject in subjects for action in actions]
            for name in names:
                self.add(level, owner, field_name, name, self._rng.choice(durations))

    def add(
        self,
        level: str,
        owner: int,
        field_name: str,
        name: str,
        duration: int,
        *,
        is_internal: bool = False,
    ) -> None:
        """One procedure; its level, eligibility and dates are drawn."""
        rng = self._rng
        number = len(self.found)
        is_on_paper = is_internal or field_name.startswith("Chứng thực")
        base_level = 2 if is_on_paper else rng.choices((2, 3, 4), (30, 45, 25))[0]
        is_raised = base_level == ONLINE_LEVEL and comes_up(rng, 0.35)
        decided_on = dt.date(2016, 1, 4) + dt.timedelta(days=rng.randrange(1700))
        is_published = comes_up(rng, 0.985)
        delay = dt.timedelta(days=rng.randrange(1, 9))
        self.found.append(
            Procedure(
                code=f"{number % 4 // 3 + 1}.{(2835 + 137 * number) % 12000:06d}.000.00.00.H24",
                name=name,
                field_code=self._field_code(level, owner, field_name),
                field_name=field_name,
                level=level,
                owner=owner,
                duration=duration,
                base_level=base_level,
                raised_on=dt.date(2022, rng.randrange(2, 13), 1) if is_raised else None,
                is_eligible=base_level == ONLINE_LEVEL + 1 or is_raised or comes_up(rng, 0.06),
                is_internal=is_internal,
                decided_on=decided_on,
                published_on=decided_on + delay if is_published else None,
                weight=_WEIGHTS.get(field_name, 1.0) * rng.uniform(0.4, 1.6),
            )
        )

    def _field_code(self, level: str, owner: int, name: str) -> str:
        key = (level, owner, name)
        if key not in self._field_codes:
            group = {"department": owner, "district": 31, "commune": 41}[level]
            initials = _plain("".join(word[0] for word in name.split()[:2]))
            number = 1 + sum(k[:2] == key[:2] for k in self._field_codes)
            self._field_codes[key] = f"G{group:02d}-{initials}{number:02d}"
        return self._field_codes[key]


def _plain(letters: str) -> str:
    """Capitals without marks: ``nở`` → ``NO``."""
    return (
        unicodedata.normalize("NFD", letters.upper().replace("Đ", "D"))
        .encode("ascii", "ignore")
        .decode()
    )


def _catalogue() -> tuple[Procedure, ...]:
    builder = _Builder()
    for owner, fields in _DEPARTMENT_FIELDS.items():
        builder.add_fields("department", owner, fields)
    builder.add_fields("district", 0, _DISTRICT_FIELDS)
    builder.add_fields("commune", 0, _COMMUNE_FIELDS)
    for name in _INTERNAL_NAMES:
        builder.add("department", 2, "Thủ tục nội bộ", name, 10, is_internal=True)
    return tuple(builder.found)


#: The whole catalogue; it does not depend on the seed.
PROCEDURES = _catalogue()
